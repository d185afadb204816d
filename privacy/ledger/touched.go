package ledger

import (
	"cmp"
	"context"
	"slices"

	"github.com/noised/noised/privacy"
)

// touched returns the accounts that a request debits, as they are now: the
// required ones, and the optional ones that exist or that a default opens. An
// account that this charge would open has no id yet. The required accounts that
// cannot be opened are missing.
func touched(ctx context.Context, q reader, r Request, now int64) (accounts []*row, missing []privacy.Account, err error) {
	required, optional := r.required(), r.optional()
	found, err := loadAccounts(ctx, q, slices.Concat(required, parentsOf(required), optional))
	if err != nil {
		return nil, nil, err
	}
	for _, a := range required {
		if row, ok := found[a]; ok {
			accounts = append(accounts, row)
			continue
		}
		parent, isPeriod := a.Parent()
		if row, ok := found[parent]; isPeriod && ok {
			accounts = append(accounts, openPeriod(a, row, now))
			continue
		}
		if isPeriod {
			a = parent
		}
		if !slices.Contains(missing, a) {
			missing = append(missing, a)
		}
	}
	more, err := opened(ctx, q, r, optional, found, now)
	if err != nil {
		return nil, nil, err
	}
	accounts = append(accounts, more...)
	for _, row := range accounts {
		row.balance = row.at(now)
	}
	return accounts, missing, nil
}

// opened returns those of the optional accounts that exist or that a default
// opens.
func opened(ctx context.Context, q reader, r Request, optional []privacy.Account, found map[privacy.Account]*row, now int64) (accounts []*row, err error) {
	defaults, err := loadDefaults(ctx, q, r.Tenants)
	if err != nil {
		return nil, err
	}
	for _, a := range optional {
		if row, ok := found[a]; ok {
			accounts = append(accounts, row)
		} else if limit, ok := defaults[defaultKey{a.Kind, a.Owner}]; ok {
			accounts = append(accounts, openRow(a, limit, limit, privacy.WindowNone, now))
		}
	}
	return accounts, nil
}

// required names the accounts without which a request is refused: the tenants'
// and the dataset's, or in their place those of each period that is read.
func (r Request) required() []privacy.Account {
	accounts := make([]privacy.Account, 0, r.requiredCount())
	for _, t := range r.Tenants {
		if len(r.Periods) == 0 {
			accounts = append(accounts, privacy.TenantAccount(t))
		}
		for _, p := range r.Periods {
			accounts = append(accounts, privacy.TenantPeriodAccount(t, r.Dataset, p))
		}
	}
	if r.DatasetAccount && len(r.Periods) == 0 {
		accounts = append(accounts, privacy.DatasetAccount(r.Dataset))
	}
	if r.DatasetAccount {
		for _, p := range r.Periods {
			accounts = append(accounts, privacy.DatasetPeriodAccount(r.Dataset, p))
		}
	}
	return accounts
}

// requiredCount returns how many accounts required names.
func (r Request) requiredCount() int {
	owners := len(r.Tenants)
	if r.DatasetAccount {
		owners++
	}
	return owners * max(1, len(r.Periods))
}

// optional names the accounts that a request debits where they exist or a
// default opens them.
func (r Request) optional() (accounts []privacy.Account) {
	for _, t := range r.Tenants {
		accounts = append(accounts, privacy.TenantDatasetAccount(t, r.Dataset))
	}
	return append(accounts, r.towards()...)
}

// towards names the optional accounts that cap what the asking principal, and
// its group, learn.
func (r Request) towards() (accounts []privacy.Account) {
	for _, t := range r.Tenants {
		accounts = append(accounts, privacy.TenantPrincipalAccount(t, r.Principal))
		if r.Group != "" {
			accounts = append(accounts, privacy.TenantGroupAccount(t, r.Group))
		}
	}
	return accounts
}

type defaultKey struct {
	kind   privacy.AccountKind
	tenant string
}

// loadDefaults returns the default caps of some tenants.
func loadDefaults(ctx context.Context, q reader, tenants []string) (map[defaultKey]privacy.Loss, error) {
	if len(tenants) == 0 {
		return nil, nil
	}
	args := make([]any, len(tenants))
	for i, t := range tenants {
		args[i] = t
	}
	rows, err := q.QueryContext(ctx, `SELECT kind, tenant, epsilon, delta FROM account_defaults
			WHERE kind IN ('tenant-dataset', 'tenant-principal', 'tenant-group') AND tenant IN (`+placeholders(len(args))+`)`, args...)
	if err != nil {
		return nil, privacy.Internal(err, "reading default budgets")
	}
	defer func() { _ = rows.Close() }()
	out := map[defaultKey]privacy.Loss{}
	for rows.Next() {
		var k defaultKey
		var limit privacy.Loss
		if err := rows.Scan(&k.kind, &k.tenant, &limit.Epsilon, &limit.Delta); err != nil {
			return nil, privacy.Internal(err, "reading default budgets")
		}
		out[k] = limit
	}
	if err := rows.Err(); err != nil {
		return nil, privacy.Internal(err, "reading default budgets")
	}
	return out, nil
}

// distinct sorts names and drops repeats: a tenant named twice pays once.
func distinct(names []string) []string { return slices.Compact(slices.Sorted(slices.Values(names))) }

func sortAccounts(accounts []privacy.Account) {
	slices.SortFunc(accounts, func(a, b privacy.Account) int { return cmp.Compare(a.String(), b.String()) })
}
