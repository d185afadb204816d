package ledger

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/ledger/leaves"
	"github.com/noised/noised/privacy/translog"
)

// posting makes charges one after the other in one transaction. What they change
// is kept in memory and written by finish: each account once, and rows of a table
// together.
type posting struct {
	*book
	tx       *sql.Tx
	log      *translog.Appender
	now      time.Time
	existing existing
	deleted  map[string]bool // datasets of the requests that are no more
	next     int64           // number of the next charge
	debited  []*row

	charges, debits, requests, joins controldb.Rows
}

// newPosting reads what some requests need. The transaction sees nobody else's
// charges from then on, so that what it reads stays true until it ends.
func newPosting(ctx context.Context, tx *sql.Tx, now time.Time, requests ...Request) (*posting, error) {
	b, err := readBook(ctx, tx, now.UnixMicro(), requests...)
	if err != nil {
		return nil, err
	}
	p := &posting{
		book: b, tx: tx, now: now, existing: existing{map[string]*stored{}, map[requestKey]*stored{}},
		charges: controldb.InsertInto(`charges (seq, id, key, principal, dataset, tenants, epsilon, delta, mu2, delta_units,
			payload, state, attempts, lease_owner, lease_until, nonce, leaf, at)`, 18),
		debits:   controldb.InsertInto(`charge_debits (charge, part, seen, mu2, delta_units, accounts)`, 6),
		requests: controldb.InsertInto(`charge_requests (principal, request_key, charge, payload)`, 4),
		joins:    controldb.InsertInto(`charge_joins (leaf, charge, part, parts, nonce)`, 5),
	}
	if err := p.existing.read(ctx, tx, requests); err != nil {
		return nil, err
	}
	if p.deleted, err = deletedOf(ctx, tx, requests); err != nil {
		return nil, err
	}
	if err := tx.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) + 1 FROM charges`).Scan(&p.next); err != nil {
		return nil, privacy.Internal(err, "reading charges")
	}
	p.log, err = translog.NewAppender(ctx, tx)
	return p, err
}

// deletedOf returns which datasets of some requests were deleted since they were
// prepared: a charge for one could never be redeemed.
func deletedOf(ctx context.Context, tx *sql.Tx, requests []Request) (map[string]bool, error) {
	gone := map[string]bool{}
	for _, r := range requests {
		if _, known := gone[r.Dataset]; known {
			continue
		}
		var is bool
		if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM deleted_datasets WHERE dataset = ?)`, r.Dataset).Scan(&is); err != nil {
			return nil, privacy.Internal(err, "looking for deleted datasets")
		}
		gone[r.Dataset] = is
	}
	return gone, nil
}

// draft is what of a charge does not depend on when it is made.
type draft struct {
	Charge
	tenants string // as stored
	leaves.Commitment
}

// draftOf prepares a charge. The key is a digest of the query and of generation
// ids. Whoever can guess the query could confirm it from the key, so the log gets
// a commitment under a nonce that stays here.
func draftOf(r Request, likely *leaves.Shares) (draft, error) {
	c := Charge{
		ID: privacy.NewID("chg"), Key: r.Key, State: StatePending, Principal: r.Principal, Dataset: r.Dataset,
		Tenants: r.Tenants, Loss: r.Loss, Cost: r.Cost, Payload: r.Payload,
	}
	if r.LeaseOwner != "" {
		c.Attempts = 1
	}
	tenants, detail, err := detailOf(c)
	if err != nil {
		return draft{}, err
	}
	return draft{c, string(tenants), leaves.Commit(detail, likely)}, nil
}

// detailOf is what a charge was made for, and its tenants, as they stand in its leaf.
func detailOf(c Charge) (tenants, detail []byte, err error) {
	if tenants, err = leaves.Tenants(c.Tenants); err != nil {
		return nil, nil, err
	}
	detail, err = leaves.Detail{Dataset: c.Dataset, Key: c.Key, Principal: c.Principal, Loss: c.Loss}.Text(tenants)
	return tenants, detail, err
}

// charge finds or makes a charge. A refusal changes nothing; err is a failure of
// the transaction.
func (p *posting) charge(ctx context.Context, r Request, d draft) (c Charge, refusal, err error) {
	if c, found := p.find(r); found {
		return c, nil, nil
	}
	if p.deleted[r.Dataset] {
		return Charge{}, privacy.Errorf(privacy.CodeUnknownDataset, "dataset %q was deleted", r.Dataset), nil
	}
	t := p.touched(r)
	if refusal := debitAll(t.accounts, t.missing, r.Cost); refusal != nil {
		return Charge{}, refusal, nil
	}
	d.At = time.UnixMicro(p.book.now).UTC()
	if err := p.open(ctx, t.accounts); err != nil {
		return Charge{}, nil, err
	}
	if err := p.add(ctx, d, t, r); err != nil {
		return Charge{}, nil, err
	}
	return d.Charge, nil, nil
}

// debitAll debits every account or returns the refusal and debits none.
func debitAll(accounts []*row, missing []privacy.Account, cost privacy.Cost) error {
	refusal := Exhausted{Accounts: slices.Clone(missing)}
	reopens, reopening := int64(0), len(missing) == 0
	for _, a := range accounts {
		if a.Admits(cost) {
			continue
		}
		refusal.Accounts = append(refusal.Accounts, a.account)
		at, ok := a.Reopens(cost)
		reopens, reopening = max(reopens, at), reopening && ok
	}
	if len(refusal.Accounts) == 0 {
		for _, a := range accounts {
			a.Take(cost)
		}
		return nil
	}
	if reopening {
		refusal.ReopensAt = time.UnixMicro(reopens).UTC()
	}
	return Refusal(refusal)
}

// open stores the accounts that a charge opens, and logs each default and each
// parent that opened some. The charges that follow find them.
func (p *posting) open(ctx context.Context, accounts []*row) error {
	byParent := map[privacy.Account][]*row{}
	var parents []privacy.Account
	for _, a := range accounts {
		if a.id != 0 {
			continue
		}
		if err := insertAccount(ctx, p.tx, a); err != nil {
			return err
		}
		p.accounts[a.account] = a
		parent, ok := a.account.Parent()
		if !ok {
			if _, err := p.log.Append(ctx, budgetLeaf(a, "default", p.now)); err != nil {
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
		if _, err := p.log.Append(ctx, periodsLeaf(parent, byParent[parent], p.now)); err != nil {
			return err
		}
	}
	return nil
}

// add appends the log leaf and adds the charge.
func (p *posting) add(ctx context.Context, c draft, t *touched, r Request) error {
	body, err := t.leaf(c.ID, c.Cost, c.Commitment)
	if err != nil {
		return err
	}
	leaf, err := p.log.Append(ctx, translog.Leaf{Kind: translog.KindCharge, At: c.At, Body: body})
	if err != nil {
		return err
	}
	seq, at := p.next, c.At.UnixMicro()
	p.next++
	p.charges.Add(seq, c.ID, c.Key, c.Principal, c.Dataset, c.tenants, c.Loss.Epsilon, c.Loss.Delta, c.Cost.Mu2, c.Cost.Delta,
		c.Payload, c.State, c.Attempts, r.LeaseOwner, at+r.LeaseTTL.Microseconds(), c.Nonce[:], leaf, at)
	p.existing.byKey[c.Key] = &stored{c.Charge, seq}
	p.bind(r, stored{c.Charge, seq})
	p.debit(seq, 0, t, c.Cost)
	return nil
}

// debit adds what debitAll debited from accounts for a charge, which has so many
// rows of debits, and has finish store the accounts.
func (p *posting) debit(seq int64, parts int, t *touched, cost privacy.Cost) {
	if t.lists == nil { // these are debited for the first time
		for _, a := range t.accounts {
			if !a.debited {
				a.debited = true
				p.debited = append(p.debited, a)
			}
		}
	}
	for i, list := range t.idLists() {
		p.debits.Add(seq, parts+i, list.seen, cost.Mu2, cost.Delta, list.ids)
	}
}

// finish writes all that the charges changed.
func (p *posting) finish(ctx context.Context) error {
	if err := p.log.Flush(ctx); err != nil {
		return err
	}
	accounts := controldb.UpdateFrom(`UPDATE accounts SET spent_mu2 = new.column2, spent_delta_units = new.column3,
			total_mu2 = new.column4, total_delta_units = new.column5, seen = new.column6`, `accounts.id = new.column1`, 6)
	for _, a := range p.debited {
		accounts.Add(a.id, a.Spent.Mu2, a.Spent.Delta, a.Total.Mu2, a.Total.Delta, a.Seen)
	}
	for _, rows := range []*controldb.Rows{&p.charges, &p.debits, &p.requests, &p.joins, &accounts} {
		if err := rows.Write(ctx, p.tx); err != nil {
			return privacy.Internal(err, "storing charges")
		}
	}
	return nil
}

func accountsOf(rows []*row) []privacy.Account {
	accounts := make([]privacy.Account, len(rows))
	for i, r := range rows {
		accounts[i] = r.account
	}
	return accounts
}

func namesOf(accounts []*row) []string {
	names := make([]string, len(accounts))
	for i, a := range accounts {
		names[i] = a.name
	}
	return names
}
