package keyring

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
)

// KeySize is the length of a data key in bytes.
const KeySize = 32

// Wrapper is the key-encryption key: a keyset in a file, or a service that keeps
// it. Both methods authenticate scope, which may be public. Unwrap opens what any
// key that is still enabled has wrapped; Wrap uses the newest. They are safe for
// concurrent use, and their errors hold no key.
type Wrapper interface {
	Wrap(ctx context.Context, key, scope []byte) ([]byte, error)
	Unwrap(ctx context.Context, wrapped, scope []byte) ([]byte, error)
}

// Reader is what both the control store and a transaction read through.
type Reader interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// ErrNoKey is why something sealed does not open whose key was shredded, or never
// was here.
var ErrNoKey = errors.New("its data key is not in the control store")

// ErrChanged is why something sealed does not open that has its key.
var ErrChanged = errors.New("it was changed, or sealed for another place")

// ErrOff is why something sealed does not open without a keyset.
var ErrOff = errors.New("it is encrypted and the server was given no keyset")

// Ring gives out data keys. It is safe for concurrent use.
type Ring struct {
	db  *controldb.DB
	kek Wrapper
	now func() time.Time

	// kept are the keys of the system's that have been read: every query needs some.
	kept sync.Map // name → []byte
}

// keeps reports whether a key stays in memory: only those that belong to no tenant and
// to no one thing, and so are never shredded while there is anything that they opened.
func (s Scope) keeps() bool { return s.Tenant == "" && !strings.Contains(s.Name, ":") }

// New returns the ring of the data keys in db, or one that is off if kek is nil.
func New(db *controldb.DB, kek Wrapper, now func() time.Time) *Ring {
	return &Ring{db: db, kek: kek, now: now}
}

// With returns a ring of the same data keys under another key-encryption key.
func (r *Ring) With(kek Wrapper) *Ring { return New(r.db, kek, r.now) }

// On reports whether there is a key-encryption key. Without it everything is
// stored plain.
func (r *Ring) On() bool { return r != nil && r.kek != nil }

// Key returns the data key of a scope, and makes it when it is first asked for: in
// the caller's transaction if in is one, which must be one that writes, else in a
// transaction of its own. in may be nil.
func (r *Ring) Key(ctx context.Context, in Reader, s Scope) ([]byte, error) {
	key, err := r.Find(ctx, in, s)
	if !errors.Is(err, ErrNoKey) {
		return key, err
	}
	if tx, ok := in.(*sql.Tx); ok {
		return r.make(ctx, tx, s)
	}
	err = r.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		// Another process may have come first: what is stored counts.
		if key, err = r.Find(ctx, tx, s); errors.Is(err, ErrNoKey) {
			key, err = r.make(ctx, tx, s)
		}
		return err
	})
	return key, err
}

// Find returns the data key of a scope, or an error that is ErrNoKey: then there
// is none, or no longer.
func (r *Ring) Find(ctx context.Context, in Reader, s Scope) ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	if !r.On() {
		return nil, privacy.Internal(ErrOff, "finding a data key")
	}
	if s.keeps() {
		if key, err := r.keep(ctx, s); err == nil {
			return key, nil
		}
	}
	if in == nil {
		in = r.db
	}
	key, err := r.unwrap(ctx, in, s)
	if err != nil && !errors.Is(err, ErrNoKey) {
		// A rotation, perhaps, between the two steps: as it stands now, it opens.
		key, err = r.unwrap(ctx, r.db, s)
	}
	return key, err
}

// keep returns a key that stays in memory. It reads what is committed, whatever
// transaction it is for: a key that is made in one may never be.
func (r *Ring) keep(ctx context.Context, s Scope) ([]byte, error) {
	if key, ok := r.kept.Load(s.Name); ok {
		return key.([]byte), nil
	}
	key, err := r.unwrap(ctx, r.db, s)
	if err == nil {
		r.kept.Store(s.Name, key)
	}
	return key, err
}

func (r *Ring) unwrap(ctx context.Context, in Reader, s Scope) ([]byte, error) {
	var wrapped []byte
	err := in.QueryRowContext(ctx, `SELECT wrapped FROM data_keys WHERE tenant = ? AND name = ?`, s.Tenant, s.Name).Scan(&wrapped)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, privacy.Internal(ErrNoKey, "finding a data key")
	case err != nil:
		return nil, privacy.Internal(err, "finding a data key")
	}
	key, err := r.kek.Unwrap(ctx, wrapped, s.ofKey())
	if err == nil && len(key) != KeySize {
		err = fmt.Errorf("a data key has %d bytes", len(key))
	}
	if err != nil {
		return nil, privacy.Internal(err, "unwrapping a data key")
	}
	return key, nil
}

// make stores a new key. It is wrapped within the transaction, which no other
// writer shares: so every key that a replaced key-encryption key has wrapped is
// seen by the rewrapping that follows.
func (r *Ring) make(ctx context.Context, tx *sql.Tx, s Scope) ([]byte, error) {
	key := make([]byte, KeySize)
	_, _ = rand.Read(key) // never fails: crypto/rand aborts the process instead
	wrapped, err := r.kek.Wrap(ctx, key, s.ofKey())
	if err != nil {
		return nil, privacy.Internal(err, "wrapping a data key")
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO data_keys (tenant, name, wrapped, created_at) VALUES (?, ?, ?, ?)`,
		s.Tenant, s.Name, wrapped, r.now().UnixMicro()); err != nil {
		return nil, privacy.Internal(err, "storing a data key")
	}
	return key, nil
}

// Shred forgets data keys in the caller's transaction. It does so without a
// key-encryption key too.
func (r *Ring) Shred(ctx context.Context, tx *sql.Tx, which ...Match) error {
	if r != nil {
		defer r.kept.Clear()
	}
	for _, m := range which {
		query, args := `DELETE FROM data_keys WHERE tenant = ? AND name = ?`, []any{m.tenant, m.name}
		if m.prefix {
			query, args = `DELETE FROM data_keys WHERE tenant = ? AND substr(name, 1, length(?)) = ?`, []any{m.tenant, m.name, m.name}
		}
		if _, err := tx.ExecContext(ctx, query, args...); err != nil {
			return privacy.Internal(err, "shredding data keys")
		}
	}
	return nil
}

// Check reports whether the key-encryption key opens the data keys that there are,
// by one of them. Without either there is nothing to check.
func (r *Ring) Check(ctx context.Context) error {
	var s Scope
	err := r.db.QueryRowContext(ctx, `SELECT tenant, name FROM data_keys ORDER BY created_at DESC LIMIT 1`).Scan(&s.Tenant, &s.Name)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return privacy.Internal(err, "finding a data key")
	}
	_, err = r.Find(ctx, r.db, s)
	return err
}
