package ledger

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/translog"
)

// posting makes charges one after the other in one transaction. What they debit
// is kept in memory and stored by finish, each account once.
type posting struct {
	*book
	tx      *sql.Tx
	log     *translog.Appender
	now     time.Time
	debited []*row
}

// newPosting reads what is needed. The transaction sees nobody else's charges
// from then on, so that the balances it reads stay true until it ends.
func newPosting(ctx context.Context, tx *sql.Tx, now time.Time, n needed) (*posting, error) {
	b, err := readBook(ctx, tx, now.UnixMicro(), n)
	if err != nil {
		return nil, err
	}
	log, err := translog.NewAppender(ctx, tx)
	return &posting{book: b, tx: tx, log: log, now: now}, err
}

// charge finds or makes a charge. A refusal stores nothing and leaves the
// balances as they were; err is a failure of the transaction.
func (p *posting) charge(ctx context.Context, r Request) (c Charge, refusal, err error) {
	c, found, err := findExisting(ctx, p.tx, r)
	if err != nil || found {
		return c, nil, err
	}
	accounts, missing := p.touched(r)
	if refusal := debitAll(accounts, missing, r.Cost); refusal != nil {
		return Charge{}, refusal, nil
	}
	c = Charge{
		ID: privacy.NewID("chg"), Key: r.Key, State: StatePending, Principal: r.Principal, Dataset: r.Dataset,
		Tenants: r.Tenants, Loss: r.Loss, Cost: r.Cost, Payload: r.Payload, At: time.UnixMicro(p.book.now).UTC(),
	}
	if r.LeaseOwner != "" {
		c.Attempts = 1
	}
	if err := p.open(ctx, accounts); err != nil {
		return Charge{}, nil, err
	}
	seq, err := p.insertCharge(ctx, c, accounts, r)
	if err != nil {
		return Charge{}, nil, err
	}
	if err := p.debit(ctx, seq, accounts, r.Cost); err != nil {
		return Charge{}, nil, err
	}
	return c, nil, bindRequest(ctx, p.tx, r, seq)
}

// debitAll debits every account or returns the refusal and debits none.
func debitAll(accounts []*row, missing []privacy.Account, cost privacy.Cost) error {
	refusal := Exhausted{Accounts: missing}
	reopens, reopening := int64(0), len(missing) == 0
	after := make([]balance, len(accounts))
	for i, a := range accounts {
		var ok bool
		if after[i], ok = a.debit(cost); ok {
			continue
		}
		refusal.Accounts = append(refusal.Accounts, a.account)
		at, ok := a.reopens(cost)
		reopens, reopening = max(reopens, at), reopening && ok
	}
	if len(refusal.Accounts) == 0 {
		for i, a := range accounts {
			a.balance = after[i]
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

// chargeLeaf and costLeaf have their fields in the order in which a leaf has
// them, which spares the log from ordering them.
type chargeLeaf struct {
	Accounts   []string `json:"accounts"`
	Charge     string   `json:"charge"`
	Commitment string   `json:"commitment,omitempty"`
	Cost       costLeaf `json:"cost"`
}

type costLeaf struct {
	Delta int64 `json:"delta"`
	Mu2   int64 `json:"mu2"`
}

// insertCharge appends the log leaf and stores the charge.
//
// The key is a digest of the query and of generation ids. Whoever can guess
// the query could confirm it from the key, so the leaf holds a commitment under
// a nonce that stays here.
func (p *posting) insertCharge(ctx context.Context, c Charge, accounts []*row, r Request) (seq int64, err error) {
	nonce := make([]byte, 32)
	_, _ = rand.Read(nonce) // never fails: crypto/rand aborts the process instead
	commitment := hmac.New(sha256.New, nonce)
	commitment.Write([]byte(c.Key))
	leaf, err := p.log.Append(ctx, translog.Leaf{Kind: translog.KindCharge, At: c.At, Body: chargeLeaf{
		namesOf(accounts), c.ID, hex.EncodeToString(commitment.Sum(nil)), costLeaf{c.Cost.Delta, c.Cost.Mu2},
	}})
	if err != nil {
		return 0, err
	}
	tenants, err := json.Marshal(c.Tenants)
	if err != nil {
		return 0, privacy.Internal(err, "storing a charge")
	}
	at := c.At.UnixMicro()
	res, err := p.tx.ExecContext(ctx, `INSERT INTO charges (id, key, principal, dataset, tenants, epsilon, delta, mu2, delta_units,
			payload, state, attempts, lease_owner, lease_until, nonce, leaf, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		c.ID, c.Key, c.Principal, c.Dataset, string(tenants), c.Loss.Epsilon, c.Loss.Delta, c.Cost.Mu2, c.Cost.Delta,
		c.Payload, c.State, c.Attempts, r.LeaseOwner, at+r.LeaseTTL.Microseconds(), nonce, leaf, at)
	if err == nil {
		seq, err = res.LastInsertId()
	}
	if err != nil {
		return 0, privacy.Internal(err, "storing a charge")
	}
	return seq, nil
}

// debit stores what debitAll debited from accounts for a charge, and has finish
// store the accounts.
func (p *posting) debit(ctx context.Context, seq int64, accounts []*row, cost privacy.Cost) error {
	for _, a := range accounts {
		if !a.debited {
			a.debited = true
			p.debited = append(p.debited, a)
		}
	}
	return storeDebits(ctx, p.tx, seq, accounts, cost)
}

// finish stores the accounts as the charges left them.
func (p *posting) finish(ctx context.Context) error {
	for _, a := range p.debited {
		_, err := p.tx.ExecContext(ctx, `UPDATE accounts SET spent_mu2 = ?, spent_delta_units = ?,
				total_mu2 = ?, total_delta_units = ?, seen = ? WHERE id = ?`,
			a.spent.Mu2, a.spent.Delta, a.total.Mu2, a.total.Delta, a.seen, a.id)
		if err != nil {
			return privacy.Internal(err, "debiting accounts")
		}
	}
	return nil
}

func namesOf(accounts []*row) []string {
	names := make([]string, len(accounts))
	for i, a := range accounts {
		names[i] = a.name
	}
	return names
}
