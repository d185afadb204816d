package ledger

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/noised/noised/privacy"
)

// lease is who is running the query of a charge, and until when.
type lease struct {
	state    string
	attempts int
	owner    string
	until    int64
}

// acquire decides on one attempt to take the lease. The returned lease is to
// be stored if it differs, whether or not the attempt succeeded: the attempt
// after the last abandons the charge.
func (s lease) acquire(owner string, now int64, ttl time.Duration) (lease, bool) {
	switch {
	case s.state != StatePending:
		return s, false
	case s.until > now && s.owner != owner:
		return s, false
	case s.attempts >= MaxAttempts:
		return lease{state: StateAbandoned, attempts: s.attempts}, false
	}
	return lease{state: StatePending, attempts: s.attempts + 1, owner: owner, until: now + ttl.Microseconds()}, true
}

// Acquire takes the lease of a pending charge for ttl and counts an attempt.
// It is false while another owner's lease runs, when the charge is no longer
// pending, and when its attempts are used up, which abandons it. Whoever runs a
// charge's query must hold its lease, but a lease that ran out harms nothing:
// only one release redeems the charge.
func (l *Ledger) Acquire(ctx context.Context, chargeID, owner string, ttl time.Duration) (ok bool, err error) {
	err = l.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		before, err := loadLease(ctx, tx, chargeID)
		if err != nil {
			return err
		}
		var after lease
		after, ok = before.acquire(owner, l.now().UnixMicro(), ttl)
		if after == before {
			return nil
		}
		_, err = tx.ExecContext(ctx, `UPDATE charges SET state = ?, attempts = ?, lease_owner = ?, lease_until = ? WHERE id = ?`,
			after.state, after.attempts, after.owner, after.until, chargeID)
		if err != nil {
			return privacy.Internal(err, "leasing a charge")
		}
		return nil
	})
	return ok && err == nil, err
}

// Renew extends a lease that the owner still holds to ttl from now; it counts no
// attempt. A lease that lapsed, or passed to somebody else, is left alone.
func (l *Ledger) Renew(ctx context.Context, chargeID, owner string, ttl time.Duration) error {
	return l.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		now := l.now()
		_, err := tx.ExecContext(ctx, `UPDATE charges SET lease_until = ?
				WHERE id = ? AND state = 'pending' AND lease_owner = ? AND lease_until > ?`,
			now.Add(ttl).UnixMicro(), chargeID, owner, now.UnixMicro())
		if err != nil {
			return privacy.Internal(err, "renewing the lease of a charge")
		}
		return nil
	})
}

// Yield gives a lease back before it runs out, so that a failed attempt can be
// repeated at once. An attempt that began to read stays counted; one that did
// not get its turn does not, for a charge must not be abandoned because the
// server was busy. A lease that the owner no longer holds is left alone.
func (l *Ledger) Yield(ctx context.Context, chargeID, owner string, began bool) error {
	uncounted := 1
	if began {
		uncounted = 0
	}
	return l.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE charges SET lease_owner = '', lease_until = 0, attempts = max(0, attempts - ?)
				WHERE id = ? AND state = 'pending' AND lease_owner = ?`, uncounted, chargeID, owner)
		if err != nil {
			return privacy.Internal(err, "yielding a charge")
		}
		return nil
	})
}

// Redeem turns a pending charge into the given release, in the transaction
// that stores it. It is a conflict if the charge has its release already, or
// was abandoned: the caller rolls back, and its own result must not leave.
func (l *Ledger) Redeem(ctx context.Context, tx *sql.Tx, chargeID, releaseID string) error {
	res, err := tx.ExecContext(ctx, `UPDATE charges SET state = 'released', release = ?, lease_owner = '', lease_until = 0
			WHERE id = ? AND state = 'pending'`, releaseID, chargeID)
	if err != nil {
		return privacy.Internal(err, "redeeming a charge")
	}
	n, err := res.RowsAffected()
	if err != nil {
		return privacy.Internal(err, "redeeming a charge")
	}
	if n == 1 {
		return nil
	}
	s, err := loadLease(ctx, tx, chargeID)
	if err != nil {
		return err
	}
	return privacy.Errorf(privacy.CodeConflict, "the charge is already %s", s.state)
}

// AbandonIn abandons the pending charges of a dataset that is deleted, in the
// transaction that deletes it: they stay paid, and never have a release.
func (l *Ledger) AbandonIn(ctx context.Context, tx *sql.Tx, dataset string) error {
	_, err := tx.ExecContext(ctx, `UPDATE charges SET state = 'abandoned', lease_owner = '', lease_until = 0 WHERE state = 'pending' AND dataset = ?`, dataset)
	if err != nil {
		return privacy.Internal(err, "abandoning charges")
	}
	return nil
}

func loadLease(ctx context.Context, q reader, chargeID string) (lease, error) {
	var s lease
	err := q.QueryRowContext(ctx, `SELECT state, attempts, lease_owner, lease_until FROM charges WHERE id = ?`, chargeID).
		Scan(&s.state, &s.attempts, &s.owner, &s.until)
	if errors.Is(err, sql.ErrNoRows) {
		return lease{}, privacy.Errorf(privacy.CodeNotFound, "there is no charge %q", chargeID)
	}
	if err != nil {
		return lease{}, privacy.Internal(err, "reading a charge")
	}
	return s, nil
}
