package controldb

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"errors"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/noised/noised/privacy"
)

// How long a writer waits in all, and how the pauses between its attempts
// grow. A transaction takes about a millisecond, so the first pauses are
// shorter than that.
const (
	maxWait    = 20 * time.Second
	firstPause = 100 * time.Microsecond
	longPause  = time.Millisecond
)

// InTx runs fn in one serialisable transaction and commits it. When InTx
// returns nil, what fn wrote is on disk, and witnessed if there is a [Witness].
// When it returns an error, nothing that fn wrote is kept, with exceptions that
// no database can rule out: if the commit itself failed, or the witness after
// it, the transaction may yet turn out to be durable.
//
// A context that ends while InTx waits for its turn stops it with
// CodeUnavailable and the context's error as cause, as does a wait of more
// than 20 seconds. A transaction that has begun is not interrupted by a client
// that hangs up: fn's context keeps the values of ctx and never ends. So fn
// must be short, and must do nothing but use tx: it runs again if SQLite
// reports the file as busy. Errors of fn are returned as they are.
func (d *DB) InTx(ctx context.Context, fn func(ctx context.Context, tx *sql.Tx) error) error {
	if err := d.ready(ctx); err != nil {
		return err
	}
	committed, err := d.inTurn(ctx, fn)
	if err != nil || committed == nil {
		return err
	}
	// The connection is another's by now, so that what commits meanwhile can be
	// witnessed together.
	return committed(context.WithoutCancel(ctx))
}

// inTurn waits for the writing connection and commits fn. It returns what is
// left to do after the commit.
func (d *DB) inTurn(ctx context.Context, fn func(ctx context.Context, tx *sql.Tx) error) (committed func(context.Context) error, err error) {
	wait, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	var conn *sql.Conn
	err = retryBusy(wait, func() (err error) {
		conn, err = d.writer.Conn(wait)
		return err
	})
	if err != nil {
		return nil, unavailable(err)
	}
	defer func() { _ = conn.Close() }()
	err = retryBusy(wait, func() error {
		return runTx(context.WithoutCancel(ctx), conn, func(ctx context.Context, tx *sql.Tx) (err error) {
			if err = fn(ctx, tx); err == nil {
				committed, err = d.observe(ctx, tx)
			}
			return err
		})
	})
	return committed, err
}

// runTx makes one attempt on a connection that the caller holds.
func runTx(ctx context.Context, conn *sql.Conn, fn func(ctx context.Context, tx *sql.Tx) error) error {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	done := false
	defer func() {
		if !done { // fn failed or panicked
			_ = tx.Rollback()
		}
	}()
	if err := fn(ctx, tx); err != nil {
		return err
	}
	done = true
	if err := tx.Commit(); err != nil {
		// SQLite leaves a transaction open whose commit it refused, while
		// database/sql takes it for finished. Only a new connection is safe.
		_ = conn.Raw(func(any) error { return driver.ErrBadConn })
		return privacy.Internal(err, "committing to the control store")
	}
	return nil
}

// retryBusy repeats f while the file is busy and wait has not ended.
func retryBusy(wait context.Context, f func() error) error {
	for limit := firstPause; ; limit = min(2*limit, longPause) {
		err := f()
		if !isBusy(err) {
			return err
		}
		if ended := pause(wait, jitter(limit)); ended != nil {
			return unavailable(errors.Join(ended, err))
		}
	}
}

// jitter returns between half and one and a half times d, so that two
// processes do not meet at every attempt.
func jitter(d time.Duration) time.Duration {
	var b [1]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand aborts the process instead
	return d/2 + d*time.Duration(b[0])/256
}

// pause waits, and returns the context's error if that ends first.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// isBusy reports whether SQLite could not take a lock that another process
// holds.
func isBusy(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_BUSY
}

func unavailable(cause error) error {
	return privacy.Errorf(privacy.CodeUnavailable, "the control store is busy; try again").Because(cause)
}
