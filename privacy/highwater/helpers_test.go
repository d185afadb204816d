package highwater

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/ledger"
	"github.com/noised/noised/privacy/translog"
)

// place is a data directory with a store, and a mark elsewhere.
type place struct {
	t    testing.TB
	data string // the data directory
	mark string // the mark's path
}

func newPlace(t testing.TB) *place {
	t.Helper()
	p := &place{t: t, data: t.TempDir(), mark: filepath.Join(t.TempDir(), "mark")}
	db := p.store()
	p.ok(ledger.New(db, time.Now).SetBudget(t.Context(), privacy.TenantAccount("a"), ledger.Budget{
		Cap: privacy.Loss{Epsilon: 1e6, Delta: 0.5},
	}, privacy.Principal{ID: "key_admin"}))
	p.accept(db)
	p.ok(db.Close())
	return p
}

func (p *place) ok(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) control() string { return filepath.Join(p.data, "control.db") }

// store opens the store, unwitnessed.
func (p *place) store() *controldb.DB {
	p.t.Helper()
	db, err := controldb.Open(context.Background(), p.control())
	p.ok(err)
	p.t.Cleanup(func() { _ = db.Close() })
	return db
}

func (p *place) file() *File {
	p.t.Helper()
	f, err := Open(p.mark, p.data)
	p.ok(err)
	return f
}

func (p *place) accept(db *controldb.DB) {
	p.t.Helper()
	_, err := Accept(p.t.Context(), p.file(), db)
	p.ok(err)
}

// server is a guarded store with a ledger on it.
type server struct {
	*ledger.Ledger
	*Guard
	db *controldb.DB
}

// serve opens the store as a server does.
func (p *place) serve() (*server, error) {
	p.t.Helper()
	db := p.store()
	g, err := Start(p.t.Context(), p.file(), db)
	if err != nil {
		return nil, err
	}
	return &server{Ledger: ledger.New(db, time.Now), Guard: g, db: db}, nil
}

func (p *place) mustServe() *server {
	p.t.Helper()
	s, err := p.serve()
	p.ok(err)
	return s
}

// refused checks that a store does not start with its mark.
func (p *place) refused(want privacy.Code) error {
	p.t.Helper()
	_, err := p.serve()
	if privacy.CodeOf(err) != want {
		p.t.Errorf("the server starts with %v, want %s", err, want)
	}
	return err
}

// marked returns the mark as it is on disk.
func (p *place) marked() Mark {
	p.t.Helper()
	m, err := p.file().Read(context.Background())
	p.ok(err)
	return m
}

// set makes the file new with one mark.
func (p *place) set(m Mark) {
	p.t.Helper()
	p.ok(p.file().replace(context.Background(), func() (Mark, error) { return m, nil }))
}

func request(key string) ledger.Request {
	return ledger.Request{
		Key: key, Principal: "key_p", Dataset: "d", Tenants: []string{"a"},
		Loss: privacy.Loss{Epsilon: 0.1, Delta: 1e-9}, Cost: privacy.Cost{Mu2: privacy.MinRunMu2},
	}
}

func (s *server) charge(ctx context.Context, key string) error {
	_, err := s.Charge(ctx, request(key))
	return err
}

// backUp copies the store of a place whose servers are closed.
func (p *place) backUp() (restore func()) {
	p.t.Helper()
	data, err := os.ReadFile(p.control())
	p.ok(err)
	return func() {
		p.t.Helper()
		for _, suffix := range []string{"-wal", "-shm"} {
			_ = os.Remove(p.control() + suffix)
		}
		p.ok(os.WriteFile(p.control(), data, 0o600))
	}
}

func sizeOf(t testing.TB, db *controldb.DB) int64 {
	t.Helper()
	n, err := translog.Size(context.Background(), db.ReadOnly())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// touch commits a transaction that appends nothing to the log.
func touch(ctx context.Context, db *controldb.DB) error {
	return db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO account_defaults (kind, tenant, epsilon, delta) VALUES ('tenant-group', hex(randomblob(8)), 1, 1e-6)`)
		return err
	})
}
