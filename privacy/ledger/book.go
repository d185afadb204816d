package ledger

import (
	"cmp"
	"context"
	"slices"

	"github.com/noised/noised/privacy"
)

// book holds accounts and defaults as one transaction reads them, so that many
// charges are decided one after the other in memory.
type book struct {
	now      int64
	accounts map[privacy.Account]*row
	defaults map[defaultKey]privacy.Loss
}

// needed is what deciding takes: accounts, each once, and tenants with their
// defaults.
type needed struct {
	accounts []privacy.Account
	tenants  []string
}

// needs returns what deciding on some requests takes.
func needs(requests ...Request) (n needed) {
	accounts, tenants := map[privacy.Account]bool{}, map[string]bool{}
	for _, r := range requests {
		required := r.required()
		for _, a := range slices.Concat(required, parentsOf(required), r.optional()) {
			if !accounts[a] {
				accounts[a] = true
				n.accounts = append(n.accounts, a)
			}
		}
		for _, t := range r.Tenants {
			if !tenants[t] {
				tenants[t] = true
				n.tenants = append(n.tenants, t)
			}
		}
	}
	return n
}

func readBook(ctx context.Context, q reader, now int64, n needed) (*book, error) {
	accounts, err := loadAccounts(ctx, q, n.accounts)
	if err != nil {
		return nil, err
	}
	defaults, err := loadDefaults(ctx, q, n.tenants)
	return &book{now, accounts, defaults}, err
}

// touched returns the accounts that a request debits, as they are now: the
// required ones, and the optional ones that exist or that a default opens. An
// account that this charge would open has no id yet. The required accounts that
// cannot be opened are missing.
func (b *book) touched(r Request) (accounts []*row, missing []privacy.Account) {
	for _, a := range r.required() {
		if row, ok := b.accounts[a]; ok {
			accounts = append(accounts, row)
			continue
		}
		parent, isPeriod := a.Parent()
		if row, ok := b.accounts[parent]; isPeriod && ok {
			accounts = append(accounts, openPeriod(a, row, b.now))
			continue
		}
		if isPeriod {
			a = parent
		}
		if !slices.Contains(missing, a) {
			missing = append(missing, a)
		}
	}
	accounts = append(accounts, b.opened(r.optional())...)
	for _, row := range accounts {
		row.balance = row.at(b.now)
	}
	return accounts, missing
}

// opened returns those of the optional accounts that exist or that a default
// opens.
func (b *book) opened(optional []privacy.Account) (accounts []*row) {
	for _, a := range optional {
		if row, ok := b.accounts[a]; ok {
			accounts = append(accounts, row)
		} else if limit, ok := b.defaults[defaultKey{a.Kind, a.Owner}]; ok {
			accounts = append(accounts, openRow(a, limit, limit, privacy.WindowNone, b.now))
		}
	}
	return accounts
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
	out := map[defaultKey]privacy.Loss{}
	for some := range slices.Chunk(tenants, maxParameters) {
		args := make([]any, parameters(len(some)))
		for i, t := range some {
			args[i] = t
		}
		if err := addDefaults(ctx, q, out, args); err != nil {
			return nil, privacy.Internal(err, "reading default budgets")
		}
	}
	return out, nil
}

func addDefaults(ctx context.Context, q reader, out map[defaultKey]privacy.Loss, tenants []any) error {
	rows, err := q.QueryContext(ctx, `SELECT kind, tenant, epsilon, delta FROM account_defaults
			WHERE kind IN ('tenant-dataset', 'tenant-principal', 'tenant-group') AND tenant IN (`+placeholders(len(tenants))+`)`, tenants...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var k defaultKey
		var limit privacy.Loss
		if err := rows.Scan(&k.kind, &k.tenant, &limit.Epsilon, &limit.Delta); err != nil {
			return err
		}
		out[k] = limit
	}
	return rows.Err()
}

// distinct sorts names and drops repeats: a tenant named twice pays once.
func distinct(names []string) []string { return slices.Compact(slices.Sorted(slices.Values(names))) }

func sortAccounts(accounts []privacy.Account) {
	slices.SortFunc(accounts, func(a, b privacy.Account) int { return cmp.Compare(a.String(), b.String()) })
}
