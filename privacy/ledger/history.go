package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/noised/noised/privacy"
)

// stored is a charge with its internal number.
type stored struct {
	Charge
	seq int64
}

const chargeColumns = `c.seq, c.id, c.key, c.principal, c.dataset, c.tenants, c.epsilon, c.delta, c.mu2, c.delta_units,
	c.state, coalesce(c.release, ''), c.attempts, c.at`

func scanCharge(scan func(...any) error) (stored, error) {
	var c stored
	var tenants string
	var at int64
	err := scan(&c.seq, &c.ID, &c.Key, &c.Principal, &c.Dataset, &tenants, &c.Loss.Epsilon, &c.Loss.Delta,
		&c.Cost.Mu2, &c.Cost.Delta, &c.State, &c.Release, &c.Attempts, &at, &c.Payload)
	if err != nil {
		return stored{}, err
	}
	c.At = time.UnixMicro(at).UTC()
	return c, json.Unmarshal([]byte(tenants), &c.Tenants)
}

// one runs a query for at most one charge.
func one(ctx context.Context, q reader, query string, args ...any) (stored, bool, error) {
	c, err := scanCharge(q.QueryRowContext(ctx, query, args...).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return stored{}, false, nil
	}
	if err != nil {
		return stored{}, false, privacy.Internal(err, "reading a charge")
	}
	return c, true, nil
}

func byKey(ctx context.Context, q reader, key string) (stored, bool, error) {
	return one(ctx, q, `SELECT `+chargeColumns+`, c.payload FROM charges c WHERE c.key = ? AND c.state <> 'abandoned'`, key)
}

func byRequest(ctx context.Context, q reader, principal, requestKey string) (stored, bool, error) {
	return one(ctx, q, `SELECT `+chargeColumns+`, r.payload FROM charge_requests r JOIN charges c ON c.seq = r.charge
			WHERE r.principal = ? AND r.request_key = ?`, principal, requestKey)
}

// Lookup returns the pending or released charge for a key, if there is one.
func (l *Ledger) Lookup(ctx context.Context, key string) (Charge, bool, error) {
	c, found, err := byKey(ctx, l.db, key)
	c.Existing = found
	return c.Charge, found, err
}

// LookupRequest returns the charge that a principal's request key paid for or
// found, in whatever state, with the payload that came with the request key.
func (l *Ledger) LookupRequest(ctx context.Context, principal, requestKey string) (Charge, bool, error) {
	c, found, err := byRequest(ctx, l.db, principal, requestKey)
	c.Existing = found
	return c.Charge, found, err
}

// Pending returns the charges that are waiting for someone to finish them:
// pending, and under no lease that still runs. Those with the fewest attempts come
// first, and of these the oldest: a charge under which process after process died
// keeps no other waiting, and none is used up because it is always the first that is
// begun when a process dies for reasons of its own.
func (l *Ledger) Pending(ctx context.Context) ([]Charge, error) {
	rows, err := l.db.QueryContext(ctx, `SELECT `+chargeColumns+`, c.payload FROM charges c
			WHERE c.state = 'pending' AND c.lease_until <= ? ORDER BY c.attempts, c.seq`, l.now().UnixMicro())
	if err != nil {
		return nil, privacy.Internal(err, "reading pending charges")
	}
	defer func() { _ = rows.Close() }()
	var out []Charge
	for rows.Next() {
		c, err := scanCharge(rows.Scan)
		if err != nil {
			return nil, privacy.Internal(err, "reading pending charges")
		}
		c.Existing = true
		out = append(out, c.Charge)
	}
	if err := rows.Err(); err != nil {
		return nil, privacy.Internal(err, "reading pending charges")
	}
	return out, nil
}

// Page sizes of Charges.
const (
	defaultPage = 50
	maxPage     = 500
)

// Charges returns an account's history, newest first, at most limit entries
// (50 if limit is not positive, never more than 500). The cursor is empty for
// the first page, then what the call before returned as next; next is empty
// after the last. A cursor is the id of a charge, which counts nothing. The
// history of a tenant's own account has what its accounts per period were
// charged too.
func (l *Ledger) Charges(ctx context.Context, account privacy.Account, cursor string, limit int) (items []Entry, next string, err error) {
	if limit <= 0 {
		limit = defaultPage
	}
	limit = min(limit, maxPage)
	r, err := loadAccount(ctx, l.db, account)
	if err != nil {
		return nil, "", err
	}
	if r == nil {
		return nil, "", privacy.Errorf(privacy.CodeNotFound, "no budget was set for %s", account)
	}
	before, err := l.position(ctx, r, cursor)
	if err != nil {
		return nil, "", err
	}
	of, what := debitsOf(r)
	rows, err := l.db.QueryContext(ctx, `SELECT c.id, coalesce(c.release, ''), c.principal, c.dataset, c.state, c.epsilon, c.delta,
			e.mu2, e.delta_units, c.at FROM (`+of+`) e JOIN charges c ON c.seq = e.charge
			WHERE e.charge < ? ORDER BY e.charge DESC LIMIT ?`, what, before, limit+1)
	if err != nil {
		return nil, "", privacy.Internal(err, "reading charges")
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if len(items) == limit {
			return items, items[limit-1].Charge, nil
		}
		var e Entry
		var at int64
		if err := rows.Scan(&e.Charge, &e.Release, &e.Principal, &e.Dataset, &e.State, &e.Loss.Epsilon, &e.Loss.Delta,
			&e.Cost.Mu2, &e.Cost.Delta, &at); err != nil {
			return nil, "", privacy.Internal(err, "reading charges")
		}
		e.At = time.UnixMicro(at).UTC()
		items = append(items, e)
	}
	if err := rows.Err(); err != nil {
		return nil, "", privacy.Internal(err, "reading charges")
	}
	return items, "", nil
}

// debitsOf returns a query for what was charged to an account, and its parameter:
// the debits that list it, or for a tenant's own account every charge that read
// the tenant's rows, since that debited the account or some of its accounts per
// period. The list of tenants is JSON, where names stand as they are.
func debitsOf(r *row) (query, what string) {
	if r.account.Kind == privacy.AccountTenant {
		return `SELECT seq AS charge, mu2, delta_units FROM charges WHERE instr(tenants, ?) > 0`, `"` + r.account.Owner + `"`
	}
	return `SELECT charge, mu2, delta_units FROM charge_debits WHERE instr(accounts, ?) > 0`, listed(r.id)
}

// position returns the internal number of the charge that a cursor names, if it
// belongs to the account's history.
func (l *Ledger) position(ctx context.Context, r *row, cursor string) (int64, error) {
	if cursor == "" {
		return 1<<63 - 1, nil
	}
	var seq int64
	of, what := debitsOf(r)
	err := l.db.QueryRowContext(ctx, `SELECT c.seq FROM charges c JOIN (`+of+`) e ON e.charge = c.seq WHERE c.id = ?`, what, cursor).Scan(&seq)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, privacy.Errorf(privacy.CodeInvalidRequest, "the cursor is not valid")
	}
	if err != nil {
		return 0, privacy.Internal(err, "reading charges")
	}
	return seq, nil
}
