package ledger

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/translog"
)

// Charge debits every account that the request touches, or none, and is on
// disk when it returns. If a live charge for the request's key is there
// already, or one that its principal asked for under the same request key, even
// for other data, that one is returned as Existing and nothing is debited; an
// existing charge may be in any state.
//
// A refusal is CodeBudgetExhausted with an *[Exhausted] as cause. It depends on
// the accounts and the cost only, and leaves no trace.
func (l *Ledger) Charge(ctx context.Context, r Request) (Charge, error) {
	r, err := r.checked()
	if err != nil {
		return Charge{}, err
	}
	var c Charge
	err = l.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		var found bool
		c, found, err = findExisting(ctx, tx, r)
		if err != nil || found {
			return err
		}
		c, err = admit(ctx, tx, r, l.now())
		return err
	})
	if err != nil {
		return Charge{}, err
	}
	return c, nil
}

// checked returns the request in its normal form, if it can be charged.
func (r Request) checked() (Request, error) {
	if r.Key == "" || r.Principal == "" || r.Dataset == "" || (len(r.Tenants) == 0 && !r.DatasetAccount) {
		return r, privacy.Internal(errors.New("a charge needs a key, a principal, a dataset and an account"), "charging")
	}
	if r.Cost.Mu2 < privacy.MinRunMu2 || r.Cost.Delta < 0 {
		return r, privacy.Errorf(privacy.CodePrivacyParameters, "the privacy cost of a query is at least %g in mu²",
			float64(privacy.MinRunMu2)/privacy.Mu2Unit)
	}
	return r.normal()
}

// normal returns the request with its tenants and periods sorted and without
// repeats. It refuses more accounts than one transaction should write.
func (r Request) normal() (Request, error) {
	r.Tenants, r.Periods = distinct(r.Tenants), distinct(r.Periods)
	if slices.Contains(r.Periods, "") {
		return r, privacy.Internal(errors.New("a period without a name"), "charging")
	}
	if n := r.requiredCount(); n > maxAccounts {
		return r, privacy.Errorf(privacy.CodeQueryNotPermitted, "the query reads %d budget periods of %d tenants: %d budgets, and one query may touch %d",
			len(r.Periods), len(r.Tenants), n, maxAccounts).Suggest("restrict the dates in WHERE, or the tenants")
	}
	return r, nil
}

// findExisting returns the charge that already answers a request, and makes
// the request key find it from now on.
func findExisting(ctx context.Context, tx *sql.Tx, r Request) (Charge, bool, error) {
	if r.RequestKey != "" {
		c, found, err := byRequest(ctx, tx, r.Principal, r.RequestKey)
		if err != nil || found {
			c.Existing = true
			return c.Charge, found, err
		}
	}
	c, found, err := byKey(ctx, tx, r.Key)
	if err != nil || !found {
		return Charge{}, false, err
	}
	c.Existing = true
	if r.RequestKey != "" {
		c.Payload = r.Payload
	}
	return c.Charge, true, bindRequest(ctx, tx, r, c.seq)
}

// admit makes a new charge.
func admit(ctx context.Context, tx *sql.Tx, r Request, now time.Time) (Charge, error) {
	accounts, missing, err := touched(ctx, tx, r, now.UnixMicro())
	if err != nil {
		return Charge{}, err
	}
	if err := debitAll(accounts, missing, r.Cost); err != nil {
		return Charge{}, err
	}
	if err := openNew(ctx, tx, accounts, now); err != nil {
		return Charge{}, err
	}
	c := Charge{
		ID: privacy.NewID("chg"), Key: r.Key, State: StatePending, Principal: r.Principal, Dataset: r.Dataset,
		Tenants: r.Tenants, Loss: r.Loss, Cost: r.Cost, Payload: r.Payload, At: time.UnixMicro(now.UnixMicro()).UTC(),
	}
	if r.LeaseOwner != "" {
		c.Attempts = 1
	}
	seq, err := insertCharge(ctx, tx, c, accounts, r)
	if err != nil {
		return Charge{}, err
	}
	if err := storeDebits(ctx, tx, seq, accounts, r.Cost); err != nil {
		return Charge{}, err
	}
	return c, bindRequest(ctx, tx, r, seq)
}

// debitAll debits every account or returns the refusal.
func debitAll(accounts []*row, missing []privacy.Account, cost privacy.Cost) error {
	refusal := Exhausted{Accounts: missing}
	reopens, reopening := int64(0), len(missing) == 0
	for _, a := range accounts {
		after, ok := a.debit(cost)
		if ok {
			a.balance = after
			continue
		}
		refusal.Accounts = append(refusal.Accounts, a.account)
		at, ok := a.reopens(cost)
		reopens, reopening = max(reopens, at), reopening && ok
	}
	if len(refusal.Accounts) == 0 {
		return nil
	}
	if reopening {
		refusal.ReopensAt = time.UnixMicro(reopens).UTC()
	}
	return Refusal(refusal)
}

// insertCharge appends the log leaf and stores the charge.
//
// The key is a digest of the query and of generation ids. Whoever can guess
// the query could confirm it from the key, so the leaf holds a commitment under
// a nonce that stays here.
func insertCharge(ctx context.Context, tx *sql.Tx, c Charge, accounts []*row, r Request) (seq int64, err error) {
	nonce := make([]byte, 32)
	_, _ = rand.Read(nonce) // never fails: crypto/rand aborts the process instead
	commitment := hmac.New(sha256.New, nonce)
	commitment.Write([]byte(c.Key))
	names := make([]string, len(accounts))
	for i, a := range accounts {
		names[i] = a.account.String()
	}
	leaf, err := translog.Append(ctx, tx, translog.Leaf{Kind: translog.KindCharge, At: c.At, Body: struct {
		Charge     string       `json:"charge"`
		Accounts   []string     `json:"accounts"`
		Cost       privacy.Cost `json:"cost"`
		Commitment string       `json:"commitment"`
	}{c.ID, names, c.Cost, hex.EncodeToString(commitment.Sum(nil))}})
	if err != nil {
		return 0, err
	}
	tenants, err := json.Marshal(c.Tenants)
	if err != nil {
		return 0, privacy.Internal(err, "storing a charge")
	}
	at := c.At.UnixMicro()
	res, err := tx.ExecContext(ctx, `INSERT INTO charges (id, key, principal, dataset, tenants, epsilon, delta, mu2, delta_units,
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

// storeDebits stores the accounts as debitAll left them, and what each was
// debited.
func storeDebits(ctx context.Context, tx *sql.Tx, seq int64, accounts []*row, cost privacy.Cost) error {
	update, err := tx.PrepareContext(ctx, `UPDATE accounts SET spent_mu2 = ?, spent_delta_units = ?,
			total_mu2 = ?, total_delta_units = ?, seen = ? WHERE id = ?`)
	if err != nil {
		return privacy.Internal(err, "debiting accounts")
	}
	defer func() { _ = update.Close() }()
	insert, err := tx.PrepareContext(ctx, `INSERT INTO charge_entries (account, charge, mu2, delta_units, seen) VALUES (?, ?, ?, ?, ?)`)
	if err != nil {
		return privacy.Internal(err, "debiting accounts")
	}
	defer func() { _ = insert.Close() }()
	for _, a := range accounts {
		if _, err := update.ExecContext(ctx, a.spent.Mu2, a.spent.Delta, a.total.Mu2, a.total.Delta, a.seen, a.id); err != nil {
			return privacy.Internal(err, "debiting accounts")
		}
		if _, err := insert.ExecContext(ctx, a.id, seq, cost.Mu2, cost.Delta, a.seen); err != nil {
			return privacy.Internal(err, "debiting accounts")
		}
	}
	return nil
}

// bindRequest makes a principal's request key find a charge, with the payload
// that this request brought.
func bindRequest(ctx context.Context, tx *sql.Tx, r Request, seq int64) error {
	if r.RequestKey == "" {
		return nil
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO charge_requests (principal, request_key, charge, payload) VALUES (?, ?, ?, ?)`,
		r.Principal, r.RequestKey, seq, r.Payload)
	if err != nil {
		return privacy.Internal(err, "storing a request key")
	}
	return nil
}
