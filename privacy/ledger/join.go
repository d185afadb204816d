package ledger

import (
	"context"
	"database/sql"
	"errors"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger/leaves"
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
	p, err := newPosting(ctx, tx, l.now(), r)
	if err != nil {
		return err
	}
	t, err := p.unpaid(ctx, paid.seq, r)
	if err != nil || len(t.accounts) == 0 {
		return err
	}
	if err := debitAll(t.accounts, nil, r.Cost); err != nil {
		return err
	}
	if err := p.open(ctx, t.accounts); err != nil {
		return err
	}
	c := leaves.Commit(nil, nil)
	body, err := t.leaf(paid.ID, r.Cost, c)
	if err != nil {
		return err
	}
	leaf, err := p.log.Append(ctx, translog.Leaf{Kind: translog.KindJoin, At: p.now, Body: body})
	if err != nil {
		return err
	}
	var parts int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM charge_debits WHERE charge = ?`, paid.seq).Scan(&parts); err != nil {
		return privacy.Internal(err, "joining a charge")
	}
	p.debit(paid.seq, parts, t, r.Cost)
	p.joins.Add(leaf, paid.seq, parts, len(t.idLists()), c.Nonce[:])
	return p.finish(ctx)
}

// unpaid returns the accounts towards the principal and its group that a charge
// has not debited yet.
func (p *posting) unpaid(ctx context.Context, charge int64, r Request) (*touched, error) {
	var t touched
	for _, a := range p.opened(r.towards(p.kinds)) {
		a.Balance = a.At(p.book.now)
		var paid bool
		err := p.tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM charge_debits WHERE charge = ? AND instr(accounts, ?) > 0)`,
			charge, listed(a.id)).Scan(&paid)
		if err != nil {
			return nil, privacy.Internal(err, "joining a charge")
		}
		if !paid {
			t.accounts = append(t.accounts, a)
		}
	}
	return &t, nil
}
