package ledger

import (
	"context"
	"database/sql"
	"errors"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/translog"
)

// Join makes another principal pay for seeing a release that is there already,
// in the transaction that shows it: the tenants' accounts have paid once and
// for all, but an account per principal caps what that principal learns, and
// one per group what its members learn together, whoever asked first. r names
// the release by its Key, and what it costs.
//
// The accounts per principal and group that exist, or that a default opens, are
// debited, all or none. Each pays for a release once: joining again debits
// nothing, and what one member of a group has seen is paid for its others.
// Without such accounts Join does nothing. A refusal is CodeBudgetExhausted as
// for Charge.
func (l *Ledger) Join(ctx context.Context, tx *sql.Tx, r Request) error {
	r, err := r.checked()
	if err != nil {
		return err
	}
	paid, found, err := byKey(ctx, tx, r.Key)
	if err != nil {
		return err
	}
	if !found {
		return privacy.Internal(errors.New("no charge to join"), "joining a charge")
	}
	now := l.now()
	accounts, err := unpaid(ctx, tx, paid.seq, r, now.UnixMicro())
	if err != nil || len(accounts) == 0 {
		return err
	}
	if err := debitAll(accounts, nil, r.Cost); err != nil {
		return err
	}
	names := make([]string, len(accounts))
	for i, a := range accounts {
		names[i] = a.account.String()
	}
	if err := openNew(ctx, tx, accounts, now); err != nil {
		return err
	}
	_, err = translog.Append(ctx, tx, translog.Leaf{Kind: translog.KindJoin, At: now, Body: struct {
		Charge   string       `json:"charge"`
		Accounts []string     `json:"accounts"`
		Cost     privacy.Cost `json:"cost"`
	}{paid.ID, names, r.Cost}})
	if err != nil {
		return err
	}
	return storeDebits(ctx, tx, paid.seq, accounts, r.Cost)
}

// unpaid returns the accounts towards the principal and its group that have no
// entry in a charge yet.
func unpaid(ctx context.Context, tx *sql.Tx, charge int64, r Request, now int64) ([]*row, error) {
	wanted := r.towards()
	found, err := loadAccounts(ctx, tx, wanted)
	if err != nil {
		return nil, err
	}
	accounts, err := opened(ctx, tx, r, wanted, found, now)
	if err != nil {
		return nil, err
	}
	var kept []*row
	for _, a := range accounts {
		a.balance = a.at(now)
		var n int
		err := tx.QueryRowContext(ctx, `SELECT count(*) FROM charge_entries WHERE account = ? AND charge = ?`, a.id, charge).Scan(&n)
		if err != nil {
			return nil, privacy.Internal(err, "joining a charge")
		}
		if n == 0 {
			kept = append(kept, a)
		}
	}
	return kept, nil
}
