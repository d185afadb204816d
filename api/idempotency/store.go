package idempotency

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
)

const (
	// Retention is how long an answer is kept.
	Retention = 24 * time.Hour
	// MaxAnswer is the largest body that is kept. What answers with more must
	// know the key itself.
	MaxAnswer = 8 << 20
)

// Request is a POST that carried an Idempotency-Key.
type Request struct {
	Principal string // id of the caller
	Secret    string // what the caller authenticated with
	Key       string // the Idempotency-Key
	Method    string
	Path      string
	Query     string
	Body      []byte
	// Repeatable says that the effect itself knows the key and happens once,
	// however often the request is run. Then a second attempt need not wait
	// until the first is known to be dead.
	Repeatable bool
}

// Answer is what a request was answered with.
type Answer struct {
	Status int
	Header map[string]string
	Body   []byte
}

// Store keeps answers in the control store. It is safe for concurrent use, by
// several processes that share the store too.
type Store struct {
	db    *controldb.DB
	now   func() time.Time
	lease time.Duration
	room  room
	crowd crowd
}

// New returns a Store. A running attempt that is older than lease is taken for
// dead; it should exceed the time limit of a request.
func New(db *controldb.DB, now func() time.Time, lease time.Duration) *Store {
	return &Store{db: db, now: now, lease: lease, crowd: crowd{most: MaxKeys}}
}

// Attempt is the right to run a request under its key. Exactly one of Finish
// and Abandon must be called.
type Attempt struct {
	store     *Store
	id        string
	principal string
	keyHash   []byte
	keys      keys
	bound     []byte // the fingerprint
	rerun     bool   // the answer was not kept: run again, keep nothing

	repeatable bool // Request.Repeatable
}

// record is a row of the table.
type record struct {
	salt, fingerprint, sealed []byte
	state                     string
	leaseUntil                int64
}

// Begin looks the key up. It returns the stored answer, or an Attempt when the
// request is to be run. Errors: CodeIdempotencyMismatch when the key belongs to
// another request, CodeRateLimited for one more when the caller has used MaxKeys,
// CodeConflict while another attempt runs, unless the request is repeatable: then
// the newest attempt is the one whose answer is kept.
func (s *Store) Begin(ctx context.Context, r Request) (*Attempt, *Answer, error) {
	hash := sha256.Sum256([]byte(r.Key))
	a := &Attempt{store: s, id: privacy.NewID("try"), principal: r.Principal, keyHash: hash[:], repeatable: r.Repeatable}
	var stored *Answer
	err := s.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		stored, a.rerun = nil, false
		now := s.now()
		if _, err := tx.ExecContext(ctx, `DELETE FROM idempotency WHERE expires_at <= ?`, now.UnixMicro()); err != nil {
			return privacy.Internal(err, "drop expired answers")
		}
		rec, found, err := a.read(ctx, tx)
		if err != nil {
			return err
		}
		if !found {
			if err := s.crowd.admit(ctx, tx, r.Principal, now); err != nil {
				return err
			}
			return a.insert(ctx, tx, r, now)
		}
		stored, err = a.resume(ctx, tx, r, rec, now)
		return err
	})
	switch {
	case err != nil:
		return nil, nil, err
	case stored != nil:
		return nil, stored, nil
	}
	return a, nil, nil
}

func (a *Attempt) read(ctx context.Context, tx *sql.Tx) (rec record, found bool, err error) {
	err = tx.QueryRowContext(ctx, `SELECT salt, fingerprint, state, lease_until, sealed FROM idempotency
		WHERE principal = ? AND key_hash = ?`, a.principal, a.keyHash).
		Scan(&rec.salt, &rec.fingerprint, &rec.state, &rec.leaseUntil, &rec.sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return record{}, false, nil
	}
	if err != nil {
		return record{}, false, privacy.Internal(err, "read idempotency record")
	}
	return rec, true, nil
}

func (a *Attempt) insert(ctx context.Context, tx *sql.Tx, r Request, now time.Time) error {
	salt := newSalt()
	if err := a.bind(r, salt); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO idempotency
		(principal, key_hash, salt, fingerprint, state, attempt, lease_until, expires_at) VALUES (?, ?, ?, ?, 'running', ?, ?, ?)`,
		a.principal, a.keyHash, salt, a.bound, a.id, now.Add(a.store.lease).UnixMicro(), now.Add(Retention).UnixMicro())
	if err != nil {
		return privacy.Internal(err, "insert idempotency record")
	}
	return nil
}

func (a *Attempt) bind(r Request, salt []byte) (err error) {
	if a.keys, err = deriveKeys(r, salt); err != nil {
		return privacy.Internal(err, "derive idempotency keys")
	}
	a.bound = a.keys.fingerprint(r)
	return nil
}

// resume decides what a request gets whose key is known.
func (a *Attempt) resume(ctx context.Context, tx *sql.Tx, r Request, rec record, now time.Time) (*Answer, error) {
	if err := a.bind(r, rec.salt); err != nil {
		return nil, err
	}
	if !bytes.Equal(a.bound, rec.fingerprint) {
		return nil, privacy.Errorf(privacy.CodeIdempotencyMismatch, "this Idempotency-Key was used with another request")
	}
	switch {
	case rec.state == "answered":
		answer, err := a.keys.open(rec.sealed, a.bound)
		if err != nil {
			return nil, privacy.Internal(err, "open stored answer")
		}
		return &answer, nil
	case rec.state == "oversized":
		a.rerun = true
		return nil, nil
	case rec.leaseUntil > now.UnixMicro() && !r.Repeatable:
		return nil, privacy.Errorf(privacy.CodeConflict, "a request with this Idempotency-Key is being answered").
			Suggest("try again when it has been answered")
	}
	_, err := tx.ExecContext(ctx, `UPDATE idempotency SET attempt = ?, lease_until = ? WHERE principal = ? AND key_hash = ?`,
		a.id, now.Add(a.store.lease).UnixMicro(), a.principal, a.keyHash)
	if err != nil {
		return nil, privacy.Internal(err, "take over idempotency record")
	}
	return nil, nil
}

// Finish stores the answer, which is durable when it returns. An answer that is
// larger than MaxAnswer is not kept, nor one of a repeatable request beyond MaxKept:
// then a repeated request is run again.
func (a *Attempt) Finish(ctx context.Context, answer Answer) error {
	if a.rerun {
		return nil
	}
	state, sealed := "oversized", []byte(nil)
	if len(answer.Body) <= MaxAnswer && (!a.repeatable || a.store.room.take(a.principal, len(answer.Body), a.store.now())) {
		var err error
		state = "answered"
		if sealed, err = a.keys.close(answer, a.bound); err != nil {
			return privacy.Internal(err, "seal answer")
		}
	}
	return a.write(ctx, `UPDATE idempotency SET state = ?, sealed = ? WHERE principal = ? AND key_hash = ? AND attempt = ?`,
		state, sealed, a.principal, a.keyHash, a.id)
}

// Abandon frees the key: the request had no effect.
func (a *Attempt) Abandon(ctx context.Context) error {
	if a.rerun {
		return nil
	}
	return a.write(ctx, `DELETE FROM idempotency WHERE principal = ? AND key_hash = ? AND attempt = ? AND state = 'running'`,
		a.principal, a.keyHash, a.id)
}

// write runs although the client may have hung up: its effect has happened.
func (a *Attempt) write(ctx context.Context, query string, args ...any) error {
	return a.store.db.InTx(context.WithoutCancel(ctx), func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, query, args...); err != nil {
			return privacy.Internal(err, "write idempotency record")
		}
		return nil
	})
}
