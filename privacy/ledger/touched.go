package ledger

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/noised/noised/privacy"
)

// touched returns the accounts that a request debits, as they are now: the
// required ones, and the optional ones that exist or that a default opens
// (these have no id yet). The required accounts that were never opened are
// missing.
func touched(ctx context.Context, q reader, r Request, now int64) (accounts []*row, missing []privacy.Account, err error) {
	required, optional := r.accounts()
	found, err := loadAccounts(ctx, q, slices.Concat(required, optional))
	if err != nil {
		return nil, nil, err
	}
	defaults, err := loadDefaults(ctx, q, r.Tenants)
	if err != nil {
		return nil, nil, err
	}
	for _, a := range required {
		if row, ok := found[a]; ok {
			accounts = append(accounts, row)
		} else {
			missing = append(missing, a)
		}
	}
	for _, a := range optional {
		if row, ok := found[a]; ok {
			accounts = append(accounts, row)
		} else if limit, ok := defaults[defaultKey{a.Kind, a.Owner}]; ok {
			accounts = append(accounts, openRow(a, limit, limit, privacy.WindowNone, now))
		}
	}
	for _, row := range accounts {
		row.balance = row.at(now)
	}
	return accounts, missing, nil
}

// accounts names the accounts that a request must and may debit.
func (r Request) accounts() (required, optional []privacy.Account) {
	for _, t := range r.Tenants {
		required = append(required, privacy.TenantAccount(t))
		optional = append(optional, privacy.TenantDatasetAccount(t, r.Dataset), privacy.TenantPrincipalAccount(t, r.Principal))
	}
	if r.DatasetAccount {
		required = append(required, privacy.DatasetAccount(r.Dataset))
	}
	return required, optional
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
			WHERE kind IN ('tenant-dataset', 'tenant-principal') AND tenant IN (`+placeholders(len(args))+`)`, args...)
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

// Preview returns what a request would do to each account, debiting nothing.
// It reads committed state, so a charge that follows may find less.
func (l *Ledger) Preview(ctx context.Context, r Request) ([]Preview, error) {
	r.Tenants = distinct(r.Tenants)
	accounts, missing, err := touched(ctx, l.db, r, l.now().UnixMicro())
	if err != nil {
		return nil, err
	}
	out := make([]Preview, 0, len(accounts)+len(missing))
	for _, a := range missing {
		out = append(out, Preview{Account: a, Cost: r.Cost, Exhausted: true})
	}
	for _, a := range accounts {
		p := Preview{Account: a.account, Cost: r.Cost}
		after, ok := a.debit(r.Cost)
		if !ok {
			p.Exhausted = true
			if at, reopening := a.reopens(r.Cost); reopening {
				p.ReopensAt = time.UnixMicro(at).UTC()
			}
		}
		a.balance = after
		s := a.state(a.seen)
		p.RemainingAfter, p.RemainingLossAfter = s.Remaining, s.RemainingLoss()
		out = append(out, p)
	}
	return out, nil
}
