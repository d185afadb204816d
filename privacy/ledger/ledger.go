package ledger

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/ledger/batch"
	"github.com/noised/noised/privacy/ledger/leaves"
	"github.com/noised/noised/privacy/translog"
)

// Ledger keeps accounts and charges in the control store. It is safe for
// concurrent use, by several processes that share the store too.
type Ledger struct {
	db     *controldb.DB
	now    func() time.Time
	queue  batch.Queue[*waiting]
	likely leaves.Likely[cohort]
}

// New returns the ledger in a control store. The clock decides windows and
// leases.
func New(db *controldb.DB, now func() time.Time) *Ledger { return &Ledger{db: db, now: now} }

// SetBudget opens an account or moves its cap and window. The first call fixes
// the lifetime ceiling; later ones move below it, and an attempt to exceed or
// change it is a conflict. Parameters out of range are CodePrivacyParameters.
// Setting what is already set does nothing. The accounts per period of a tenant
// or dataset move with its own account, in the same transaction, and cannot be
// set by themselves.
func (l *Ledger) SetBudget(ctx context.Context, account privacy.Account, b Budget, by privacy.Principal) error {
	return l.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error { return l.SetBudgetIn(ctx, tx, account, b, by) })
}

// SetBudgetIn is SetBudget within the caller's transaction.
func (l *Ledger) SetBudgetIn(ctx context.Context, tx *sql.Tx, account privacy.Account, b Budget, by privacy.Principal) error {
	b, err := b.checked()
	if err != nil {
		return err
	}
	if _, err := privacy.ParseAccount(account.String()); err != nil {
		return err
	}
	if parent, ok := account.Parent(); ok {
		return privacy.Errorf(privacy.CodeInvalidRequest, "a budget per period follows that of %s: set that one", parent)
	}
	now := l.now()
	r, err := loadAccount(ctx, tx, account)
	if err != nil {
		return err
	}
	if r == nil {
		return open(ctx, tx, account, b, by.ID, now)
	}
	return move(ctx, tx, r, b, by.ID, now)
}

// checked returns the budget with defaults filled in, if it is in range.
func (b Budget) checked() (Budget, error) {
	if b.Window == "" {
		b.Window = privacy.WindowNone
	}
	if !b.Window.Valid() {
		return b, privacy.Errorf(privacy.CodePrivacyParameters, "window must be none, day, week or month")
	}
	if err := b.Cap.CheckBudget(); err != nil {
		return b, err
	}
	if b.Lifetime == nil {
		return b, nil
	}
	if err := b.Lifetime.CheckBudget(); err != nil {
		return b, err
	}
	if exceeds(b.Cap, *b.Lifetime) {
		return b, privacy.Errorf(privacy.CodePrivacyParameters, "the cap must not exceed the lifetime ceiling")
	}
	return b, nil
}

func exceeds(a, limit privacy.Loss) bool { return a.Epsilon > limit.Epsilon || a.Delta > limit.Delta }

// open stores a new account.
func open(ctx context.Context, tx *sql.Tx, a privacy.Account, b Budget, by string, now time.Time) error {
	ceiling := b.Cap
	if b.Lifetime != nil {
		ceiling = *b.Lifetime
	}
	r := openRow(a, b.Cap, ceiling, b.Window, now.UnixMicro())
	if err := insertAccount(ctx, tx, r); err != nil {
		return err
	}
	_, err := translog.Append(ctx, tx, budgetLeaf(r, by, now))
	return err
}

// move changes the cap and window of an account that exists, and of its
// accounts per period.
func move(ctx context.Context, tx *sql.Tx, r *row, b Budget, by string, now time.Time) error {
	if b.Lifetime != nil && *b.Lifetime != r.ceiling {
		return privacy.Errorf(privacy.CodeConflict, "the lifetime ceiling was fixed at epsilon %g, delta %g when the budget was first set",
			r.ceiling.Epsilon, r.ceiling.Delta)
	}
	if exceeds(b.Cap, r.ceiling) {
		return privacy.Errorf(privacy.CodeConflict, "the cap exceeds the lifetime ceiling of epsilon %g, delta %g",
			r.ceiling.Epsilon, r.ceiling.Delta)
	}
	if b.Cap == r.cap && b.Window == r.Window {
		return nil
	}
	periods, err := periodsOf(ctx, tx, r.account)
	if err != nil {
		return err
	}
	if err := rebudget(ctx, tx, append(periods, r), b, now.UnixMicro()); err != nil {
		return err
	}
	_, err = translog.Append(ctx, tx, budgetLeaf(r, by, now))
	return err
}

// rebudget gives an account and those per period the same cap and window.
func rebudget(ctx context.Context, tx *sql.Tx, accounts []*row, b Budget, now int64) error {
	var moved []*row
	for _, a := range accounts {
		a.Balance = a.At(now)
		if a.Window != b.Window {
			moved = append(moved, a)
		}
	}
	spent, err := spentInWindow(ctx, tx, b.Window, moved)
	if err != nil {
		return err
	}
	for _, a := range accounts {
		a.cap = b.Cap
		a.Balance = a.Rebudget(privacy.CapOf(b.Cap), b.Window, func(since int64) privacy.Cost { return spent.of(a, since) })
		if err := updateBudget(ctx, tx, a); err != nil {
			return err
		}
	}
	return nil
}

// State returns what an account holds now, CodeNotFound if it was never opened.
func (l *Ledger) State(ctx context.Context, account privacy.Account) (State, error) {
	return l.stateIn(ctx, l.db, account)
}

// StateIn is State within the caller's transaction.
func (l *Ledger) StateIn(ctx context.Context, tx *sql.Tx, account privacy.Account) (State, error) {
	return l.stateIn(ctx, tx, account)
}

func (l *Ledger) stateIn(ctx context.Context, q reader, account privacy.Account) (State, error) {
	r, err := loadAccount(ctx, q, account)
	if err != nil {
		return State{}, err
	}
	if r == nil {
		return State{}, privacy.Errorf(privacy.CodeNotFound, "no budget was set for %s", account)
	}
	return r.state(l.now().UnixMicro()), nil
}

// States returns the accounts of a tenant: its own, and those per dataset, per
// principal and per group that were set or opened. They are ordered by name.
// Those per period are listed by Periods.
func (l *Ledger) States(ctx context.Context, tenant string) ([]State, error) {
	where, args := `name = ?`, []any{privacy.TenantAccount(tenant).String()}
	for _, kind := range defaultKinds() {
		// A prefix as a range, so that the index on names serves it: '0' follows '/'.
		prefix := string(kind) + ":" + tenant
		where, args = where+` OR (name > ? AND name < ?)`, append(args, prefix+"/", prefix+"0")
	}
	rows, err := selectAccounts(ctx, l.db, where+` ORDER BY name`, args...)
	if err != nil {
		return nil, err
	}
	return states(rows, l.now().UnixMicro()), nil
}

// defaultKinds are the kinds of optional account, which a default may open.
func defaultKinds() []privacy.AccountKind {
	return []privacy.AccountKind{privacy.AccountTenantDataset, privacy.AccountTenantPrincipal, privacy.AccountTenantGroup}
}

// SetDefault sets the cap under which a tenant's accounts per dataset
// (AccountTenantDataset), per principal (AccountTenantPrincipal) or per group
// (AccountTenantGroup) are opened when a charge first touches them; nil removes
// it. Accounts that are open keep what they have.
func (l *Ledger) SetDefault(ctx context.Context, kind privacy.AccountKind, tenant string, limit *privacy.Loss, by privacy.Principal) error {
	return l.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error { return l.SetDefaultIn(ctx, tx, kind, tenant, limit, by) })
}

// SetDefaultIn is SetDefault within the caller's transaction.
func (l *Ledger) SetDefaultIn(ctx context.Context, tx *sql.Tx, kind privacy.AccountKind, tenant string, limit *privacy.Loss, by privacy.Principal) error {
	if !slices.Contains(defaultKinds(), kind) {
		return privacy.Errorf(privacy.CodeInvalidRequest, "accounts of kind %q have no default", kind)
	}
	if err := privacy.CheckName("tenant", tenant); err != nil {
		return err
	}
	if limit != nil {
		if err := limit.CheckBudget(); err != nil {
			return err
		}
	}
	var err error
	if limit == nil {
		_, err = tx.ExecContext(ctx, `DELETE FROM account_defaults WHERE kind = ? AND tenant = ?`, string(kind), tenant)
	} else {
		_, err = tx.ExecContext(ctx, `INSERT INTO account_defaults (kind, tenant, epsilon, delta) VALUES (?, ?, ?, ?)
			ON CONFLICT (kind, tenant) DO UPDATE SET epsilon = excluded.epsilon, delta = excluded.delta`,
			string(kind), tenant, limit.Epsilon, limit.Delta)
	}
	if err != nil {
		return privacy.Internal(err, "setting a default budget")
	}
	return logDefault(ctx, tx, kind, tenant, limit, by.ID, l.now())
}

// Default returns the cap that SetDefault set, or nil.
func (l *Ledger) Default(ctx context.Context, kind privacy.AccountKind, tenant string) (*privacy.Loss, error) {
	return defaultIn(ctx, l.db, kind, tenant)
}

// DefaultIn is Default within the caller's transaction.
func (l *Ledger) DefaultIn(ctx context.Context, tx *sql.Tx, kind privacy.AccountKind, tenant string) (*privacy.Loss, error) {
	return defaultIn(ctx, tx, kind, tenant)
}

func defaultIn(ctx context.Context, q reader, kind privacy.AccountKind, tenant string) (*privacy.Loss, error) {
	var d privacy.Loss
	err := q.QueryRowContext(ctx, `SELECT epsilon, delta FROM account_defaults WHERE kind = ? AND tenant = ?`,
		string(kind), tenant).Scan(&d.Epsilon, &d.Delta)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, privacy.Internal(err, "reading a default budget")
	}
	return &d, nil
}

// lossLeaf writes a loss as decimal strings: leaves hold no floats.
type lossLeaf struct {
	Epsilon string `json:"epsilon"`
	Delta   string `json:"delta"`
}

func leafOf(l privacy.Loss) *lossLeaf {
	return &lossLeaf{strconv.FormatFloat(l.Epsilon, 'g', -1, 64), strconv.FormatFloat(l.Delta, 'g', -1, 64)}
}

// budgetLeaf is the leaf of an account that was opened or moved. The integer
// limits are what decides, so they are logged beside the losses.
func budgetLeaf(r *row, by string, now time.Time) translog.Leaf {
	return translog.Leaf{Kind: translog.KindBudget, At: now, Body: struct {
		Account       string         `json:"account"`
		Window        privacy.Window `json:"window"`
		Cap           *lossLeaf      `json:"cap"`
		CapLimit      privacy.Cost   `json:"cap_limit"`
		Lifetime      *lossLeaf      `json:"lifetime"`
		LifetimeLimit privacy.Cost   `json:"lifetime_limit"`
		By            string         `json:"by"`
	}{r.name, r.Window, leafOf(r.cap), r.Limit, leafOf(r.ceiling), r.Lifetime, by}}
}

// logDefault appends the leaf of a default that was set or removed.
func logDefault(ctx context.Context, tx *sql.Tx, kind privacy.AccountKind, tenant string, limit *privacy.Loss, by string, now time.Time) error {
	var leaf *lossLeaf // null when the default was removed
	if limit != nil {
		leaf = leafOf(*limit)
	}
	_, err := translog.Append(ctx, tx, translog.Leaf{Kind: translog.KindBudget, At: now, Body: struct {
		Kind   privacy.AccountKind `json:"default_for"`
		Tenant string              `json:"tenant"`
		Cap    *lossLeaf           `json:"cap"`
		By     string              `json:"by"`
	}{kind, tenant, leaf, by}})
	return err
}
