package ledger

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/translog"
)

// maxAccounts bounds what one charge writes: the periods that a query reads,
// times the tenants. Both are public, and so is the refusal.
const maxAccounts = 20_000

// openPeriod returns the account of a period as its parent's setting makes it,
// not stored yet. Its time begins no earlier than its parent's, so that a clock
// that was set back before the first charge of a period gains it no window.
func openPeriod(a privacy.Account, parent *row, now int64) *row {
	return &row{
		account: a, cap: parent.cap, ceiling: parent.ceiling,
		balance: balance{window: parent.window, limit: parent.limit, lifetime: parent.lifetime, seen: max(now, parent.seen)},
	}
}

// parentsOf returns the parents of accounts per period, each once.
func parentsOf(accounts []privacy.Account) (parents []privacy.Account) {
	for _, a := range accounts {
		// The periods of one parent stand together.
		if p, ok := a.Parent(); ok && (len(parents) == 0 || parents[len(parents)-1] != p) {
			parents = append(parents, p)
		}
	}
	return parents
}

// openNew stores the accounts that this charge opens, and logs each default
// and each parent that opened some.
func openNew(ctx context.Context, tx *sql.Tx, accounts []*row, now time.Time) error {
	byParent := map[privacy.Account][]*row{}
	var parents []privacy.Account
	for _, a := range accounts {
		if a.id != 0 {
			continue
		}
		if err := insertAccount(ctx, tx, a); err != nil {
			return err
		}
		parent, ok := a.account.Parent()
		if !ok {
			if err := logBudget(ctx, tx, a, "default", now); err != nil {
				return err
			}
			continue
		}
		if byParent[parent] == nil {
			parents = append(parents, parent)
		}
		byParent[parent] = append(byParent[parent], a)
	}
	for _, parent := range parents {
		if err := logPeriods(ctx, tx, parent, byParent[parent], now); err != nil {
			return err
		}
	}
	return nil
}

// movePeriods gives the accounts per period of an account the cap and window
// that it was just given. Their lifetime ceilings are its own, which never
// changes, so what lies below the one lies below the others.
func movePeriods(ctx context.Context, tx *sql.Tx, parent *row, now int64) error {
	periods, err := selectAccounts(ctx, tx, `name > ? AND name < ?`, periodRange(parent.account)...)
	if err != nil {
		return err
	}
	for _, p := range periods {
		p.cap = parent.cap
		p.balance, err = p.at(now).rebudget(parent.limit, parent.window, func(since int64) (privacy.Cost, error) {
			return spentSince(ctx, tx, p.id, since)
		})
		if err != nil {
			return err
		}
		if err := updateBudget(ctx, tx, p); err != nil {
			return err
		}
	}
	return nil
}

// periodRange returns the names between which the accounts per period of an
// account lie. A prefix as a range, so that the index on names serves it: '0'
// follows '/'. Accounts that have no periods get an empty range.
func periodRange(parent privacy.Account) []any {
	var kind privacy.AccountKind
	switch parent.Kind {
	case privacy.AccountTenant:
		kind = privacy.AccountTenantPeriod
	case privacy.AccountDataset:
		kind = privacy.AccountDatasetPeriod
	default:
		return []any{"", ""}
	}
	return []any{string(kind) + ":" + parent.Owner + "/", string(kind) + ":" + parent.Owner + "0"}
}

// newestPeriods is how many accounts per period are listed.
const newestPeriods = 1000

// Periods returns the accounts per period of a tenant's or a dataset's account
// that were charged, the latest periods first, at most 1,000 of them. The
// period of rows without a date comes before all others.
func (l *Ledger) Periods(ctx context.Context, parent privacy.Account) ([]State, error) {
	// The period is what follows the first '@', or the whole name.
	rows, err := selectAccounts(ctx, l.db, `name > ? AND name < ?
			ORDER BY substr(name, instr(name, '@') + 1) DESC, name LIMIT ?`, append(periodRange(parent), newestPeriods)...)
	if err != nil {
		return nil, err
	}
	return states(rows, l.now().UnixMicro()), nil
}

func states(rows []*row, now int64) []State {
	out := make([]State, len(rows))
	for i, r := range rows {
		out[i] = r.state(now)
	}
	return out
}

// logPeriods appends the leaf of the accounts per period that one charge opened
// with the setting of their parent. A later change of that setting is logged for
// the parent alone and holds for them all.
func logPeriods(ctx context.Context, tx *sql.Tx, parent privacy.Account, opened []*row, now time.Time) error {
	names := make([]string, len(opened))
	for i, r := range opened {
		names[i] = r.account.String()
	}
	slices.Sort(names)
	like := opened[0]
	_, err := translog.Append(ctx, tx, translog.Leaf{Kind: translog.KindBudget, At: now, Body: struct {
		Parent        string         `json:"periods_of"`
		Accounts      []string       `json:"accounts"`
		Window        privacy.Window `json:"window"`
		CapLimit      privacy.Cost   `json:"cap_limit"`
		LifetimeLimit privacy.Cost   `json:"lifetime_limit"`
	}{parent.String(), names, like.window, like.limit, like.lifetime}})
	return err
}
