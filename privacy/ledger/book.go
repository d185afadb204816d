package ledger

import (
	"cmp"
	"context"
	"slices"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger/leaves"
)

// book holds accounts and defaults as one transaction reads them, so that many
// charges are decided one after the other in memory.
type book struct {
	now      int64
	accounts map[privacy.Account]*row
	defaults map[defaultKey]privacy.Loss
	kinds    kinds
	settled  map[cohort]*touched // what was found before, where it opens nothing
}

// touched is the accounts that a request debits, as they are now: the required
// ones, and the optional ones that exist or that a default opens. An account that
// the charge would open has no id yet. The required accounts that cannot be
// opened are missing.
type touched struct {
	accounts []*row
	missing  []privacy.Account
	shares   *leaves.Shares // of the accounts; filled by leaf
	lists    []accountList  // of the accounts; filled by idLists
}

// readBook reads what deciding on some requests takes.
func readBook(ctx context.Context, q reader, now int64, requests ...Request) (*book, error) {
	alike := map[cohort]bool{}
	var distinct []Request
	var tenants once[string]
	for _, r := range requests {
		if !alike[r.of] {
			alike[r.of] = true
			distinct = append(distinct, r)
			tenants.add(r.Tenants...)
		}
	}
	b := &book{now: now, settled: map[cohort]*touched{}}
	var anyDefault bool
	var err error
	if b.kinds, anyDefault, err = loadKinds(ctx, q); err != nil {
		return nil, err
	}
	if anyDefault {
		if b.defaults, err = loadDefaults(ctx, q, tenants.all); err != nil {
			return nil, err
		}
	}
	for k := range b.defaults {
		b.kinds[k.kind] = true
	}
	var accounts once[privacy.Account]
	for _, r := range distinct {
		accounts.add(r.candidates(b.kinds)...)
	}
	b.accounts, err = loadAccounts(ctx, q, accounts.all)
	return b, err
}

// once is a list without repeats.
type once[T comparable] struct {
	all  []T
	seen map[T]bool
}

func (o *once[T]) add(values ...T) {
	if o.seen == nil {
		o.seen = make(map[T]bool, len(values))
	}
	for _, v := range values {
		if !o.seen[v] {
			o.seen[v] = true
			o.all = append(o.all, v)
		}
	}
}

// kinds are kinds of optional account. Those of which there is no account and no
// default need not be looked for, tenant by tenant.
type kinds map[privacy.AccountKind]bool

// loadKinds returns the kinds of optional account of which there is one, and
// whether any tenant has a default.
func loadKinds(ctx context.Context, q reader) (found kinds, anyDefault bool, err error) {
	var dataset, principal, group bool
	// A prefix as a range, so that the index on names serves it: ';' follows ':'.
	err = q.QueryRowContext(ctx, `SELECT
			EXISTS (SELECT 1 FROM accounts WHERE name > 'tenant-dataset:' AND name < 'tenant-dataset;'),
			EXISTS (SELECT 1 FROM accounts WHERE name > 'tenant-principal:' AND name < 'tenant-principal;'),
			EXISTS (SELECT 1 FROM accounts WHERE name > 'tenant-group:' AND name < 'tenant-group;'),
			EXISTS (SELECT 1 FROM account_defaults)`).Scan(&dataset, &principal, &group, &anyDefault)
	if err != nil {
		return nil, false, privacy.Internal(err, "reading accounts")
	}
	return kinds{
		privacy.AccountTenantDataset: dataset, privacy.AccountTenantPrincipal: principal, privacy.AccountTenantGroup: group,
	}, anyDefault, nil
}

// touched returns the accounts that a request debits.
func (b *book) touched(r Request) *touched {
	if t, ok := b.settled[r.of]; ok {
		return t
	}
	t := &touched{}
	for _, a := range r.required() {
		if row, ok := b.accounts[a]; ok {
			t.accounts = append(t.accounts, row)
			continue
		}
		parent, isPeriod := a.Parent()
		if row, ok := b.accounts[parent]; isPeriod && ok {
			t.accounts = append(t.accounts, openPeriod(a, row, b.now))
			continue
		}
		if isPeriod {
			a = parent
		}
		if !slices.Contains(t.missing, a) {
			t.missing = append(t.missing, a)
		}
	}
	t.accounts = append(t.accounts, b.opened(r.optional(b.kinds))...)
	stored := true
	for _, row := range t.accounts {
		row.Balance = row.At(b.now)
		stored = stored && row.id != 0
	}
	// What is missing stays so: only a budget admin opens it.
	if stored {
		b.settled[r.of] = t
	}
	return t
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

func sortAccounts(accounts []privacy.Account) {
	slices.SortFunc(accounts, func(a, b privacy.Account) int { return cmp.Compare(a.String(), b.String()) })
}
