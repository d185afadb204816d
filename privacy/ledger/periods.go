package ledger

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger/batch"
	"github.com/noised/noised/privacy/ledger/filter"
	"github.com/noised/noised/privacy/translog"
)

// maxAccounts bounds what one charge writes: the periods that a query reads,
// times the tenants. Both are public, and so is the refusal.
const maxAccounts = batch.MaxAccounts

// openPeriod returns the account of a period as its parent's setting makes it,
// not stored yet. Its time begins no earlier than its parent's, so that a clock
// that was set back before the first charge of a period gains it no window.
func openPeriod(a privacy.Account, parent *row, now int64) *row {
	return &row{
		account: a, name: a.String(), cap: parent.cap, ceiling: parent.ceiling,
		Balance: filter.Balance{Window: parent.Window, Limit: parent.Limit, Lifetime: parent.Lifetime, Seen: max(now, parent.Seen)},
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

// periodsOf returns the accounts per period of an account. Their lifetime
// ceilings are its own, which never changes, so what lies below the one lies
// below the others.
func periodsOf(ctx context.Context, tx *sql.Tx, parent privacy.Account) ([]*row, error) {
	return selectAccounts(ctx, tx, `name > ? AND name < ?`, periodRange(parent)...)
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

// periodsLeaf is the leaf of the accounts per period that one charge opened with
// the setting of their parent. A later change of that setting is logged for the
// parent alone and holds for them all.
func periodsLeaf(parent privacy.Account, opened []*row, now time.Time) translog.Leaf {
	names := namesOf(opened)
	slices.Sort(names)
	like := opened[0]
	return translog.Leaf{Kind: translog.KindBudget, At: now, Body: struct {
		Parent        string         `json:"periods_of"`
		Accounts      []string       `json:"accounts"`
		Window        privacy.Window `json:"window"`
		CapLimit      privacy.Cost   `json:"cap_limit"`
		LifetimeLimit privacy.Cost   `json:"lifetime_limit"`
	}{parent.String(), names, like.Window, like.Limit, like.Lifetime}}
}
