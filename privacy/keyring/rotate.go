package keyring

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"golang.org/x/sys/unix"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/translog"
)

// batch is the number of data keys that one transaction wraps anew.
const batch = 500

// KeyInfo describes a key of a keyset file.
type KeyInfo struct {
	ID      uint32 `json:"id"`
	Primary bool   `json:"primary"`
	Enabled bool   `json:"enabled"`
}

// Keys lists the keys of the file, the oldest first.
func (f *File) Keys() []KeyInfo {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.listed()
}

// Rotation is what Rotate did.
type Rotation struct {
	Primary  uint32 `json:"primary"`  // the new key
	Wrapped  int    `json:"wrapped"`  // data keys that were wrapped anew
	Disabled int    `json:"disabled"` // keys that open nothing any more
}

// Rotate makes a new primary key in the file, wraps all data keys of the ring with
// it and then disables the others, or removes them if forget is set. Servers may
// run meanwhile, over the same file: each reads it again before it wraps, in a
// transaction, and when a key does not open. A rotation that is cut off leaves all
// keys enabled; the next one completes it.
func Rotate(ctx context.Context, r *Ring, f *File, forget bool) (done Rotation, err error) {
	unlock, err := lockBeside(f.path)
	if err != nil {
		return done, err
	}
	defer unlock()
	err = f.change(func(m *keyset.Manager) error {
		id, err := m.Add(aead.AES256GCMKeyTemplate())
		if err == nil {
			err = m.SetPrimary(id)
		}
		done.Primary = id
		return err
	})
	if err != nil {
		return done, err
	}
	if done.Wrapped, err = r.Rewrap(ctx, f.current); err != nil {
		return done, err
	}
	err = f.change(func(m *keyset.Manager) error {
		for _, k := range f.listed() {
			if k.Primary || !k.Enabled && !forget {
				continue
			}
			done.Disabled++
			if err := retire(m, k.ID, forget); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return done, err
	}
	return done, r.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := translog.Append(ctx, tx, translog.Leaf{Kind: translog.KindKeyring, At: r.now(), Body: struct {
			Act     string `json:"act"`
			Primary uint32 `json:"primary"`
			Wrapped int    `json:"wrapped"`
			Forgot  bool   `json:"forgot"`
		}{"rotate", done.Primary, done.Wrapped, forget}})
		return err
	})
}

func retire(m *keyset.Manager, id uint32, forget bool) error {
	if forget {
		return m.Delete(id)
	}
	return m.Disable(id)
}

// Enable makes a key of the file open data keys again: those of a control store that
// was restored from before a rotation.
func (f *File) Enable(id uint32) error {
	unlock, err := lockBeside(f.path)
	if err != nil {
		return err
	}
	defer unlock()
	return f.change(func(m *keyset.Manager) error {
		if err := m.Enable(id); err != nil {
			return privacy.Errorf(privacy.CodeNotFound, "the keyset %s has no key %d", f.path, id)
		}
		return nil
	})
}

// change rewrites the file. The caller holds the lock of its directory.
func (f *File) change(edit func(*keyset.Manager) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.read(); err != nil {
		return err
	}
	m := keyset.NewManagerFromHandle(f.handle)
	if err := edit(m); err != nil {
		return err
	}
	handle, err := m.Handle()
	if err != nil {
		return privacy.Internal(err, "changing a keyset")
	}
	real, err := filepath.EvalSymlinks(f.path)
	if err != nil {
		return refuse(f.path, err)
	}
	if err := writeKeyset(real, handle, true); err != nil {
		return err
	}
	return f.read()
}

// listed is Keys for who holds the lock.
func (f *File) listed() (all []KeyInfo) {
	for i := range f.handle.Len() {
		if e, err := f.handle.Entry(i); err == nil {
			all = append(all, KeyInfo{ID: e.KeyID(), Primary: e.IsPrimary(), Enabled: e.KeyStatus() == keyset.Enabled})
		}
	}
	return all
}

// Rewrap wraps all data keys anew that the newest key has not wrapped, and returns
// their number. It goes through them in short transactions; keys that are made
// meanwhile are wrapped by the newest key already.
func (r *Ring) Rewrap(ctx context.Context, current func(wrapped []byte) bool) (n int, err error) {
	var last Scope
	for more := true; more; {
		err = r.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
			keys, err := after(ctx, tx, last)
			if err != nil {
				return err
			}
			changed := 0
			for _, k := range keys {
				if current(k.wrapped) {
					continue
				}
				if err := r.rewrap(ctx, tx, k); err != nil {
					return err
				}
				changed++
			}
			if more = len(keys) == batch; more {
				last = keys[len(keys)-1].scope
			}
			n += changed
			return nil
		})
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

type stored struct {
	scope   Scope
	wrapped []byte
}

// after reads the next data keys in the order of their scopes.
func after(ctx context.Context, tx *sql.Tx, last Scope) ([]stored, error) {
	rows, err := tx.QueryContext(ctx, `SELECT tenant, name, wrapped FROM data_keys WHERE (tenant, name) > (?, ?) ORDER BY tenant, name LIMIT ?`,
		last.Tenant, last.Name, batch)
	if err != nil {
		return nil, privacy.Internal(err, "reading data keys")
	}
	defer rows.Close()
	var keys []stored
	for rows.Next() {
		var k stored
		if err := rows.Scan(&k.scope.Tenant, &k.scope.Name, &k.wrapped); err != nil {
			return nil, privacy.Internal(err, "reading data keys")
		}
		keys = append(keys, k)
	}
	if err := rows.Err(); err != nil {
		return nil, privacy.Internal(err, "reading data keys")
	}
	return keys, nil
}

func (r *Ring) rewrap(ctx context.Context, tx *sql.Tx, k stored) error {
	key, err := r.kek.Unwrap(ctx, k.wrapped, k.scope.ofKey())
	if err != nil {
		return privacy.Internal(err, "unwrapping a data key")
	}
	wrapped, err := r.kek.Wrap(ctx, key, k.scope.ofKey())
	if err != nil {
		return privacy.Internal(err, "wrapping a data key")
	}
	if _, err := tx.ExecContext(ctx, `UPDATE data_keys SET wrapped = ? WHERE tenant = ? AND name = ?`, wrapped, k.scope.Tenant, k.scope.Name); err != nil {
		return privacy.Internal(err, "storing a data key")
	}
	return nil
}

// lockBeside keeps others from changing a keyset in the same directory.
func lockBeside(path string) (unlock func(), err error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, refuse(path, err)
	}
	dir, err := os.Open(filepath.Dir(real))
	if err != nil {
		return nil, refuse(path, err)
	}
	if err := unix.Flock(int(dir.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = dir.Close()
		return nil, refuse(path, errors.New("another program is changing it"))
	}
	return func() { _ = dir.Close() }, nil
}
