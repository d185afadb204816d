package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/kept"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/ingest/child"
	"github.com/noised/noised/ingest/job"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/audit"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/keyring"
	"github.com/noised/noised/privacy/ledger"
)

// sealBatch is how many rows are sealed in one transaction.
const sealBatch = 500

// errNotAlone is why sealing has to be done again.
var errNotAlone = privacy.Errorf(privacy.CodeUnavailable, "a server runs on this data directory: stop it. It seals when it starts with the keyset")

// sealer seals what was stored plain before a data directory had a keyset.
type sealer struct {
	db      *controldb.DB
	dir     string
	keys    *keyring.Ring
	catalog *catalog.Catalog
	store   *release.Store
	asked   *kept.Book
	jobs    *job.Service
	audit   *audit.Recorder
}

// run seals everything, once in the life of a data directory, and returns how many
// rows and files that were. Afterwards nothing of them is left in the control store's
// files, nor in copies that were made of it before a migration: those are removed.
func (s sealer) run(ctx context.Context) (n int, err error) {
	var done bool
	if err := s.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM sealing)`).Scan(&done); err != nil || done || !s.keys.On() {
		return 0, err
	}
	end, alone, err := s.jobs.TryAlone()
	if err != nil {
		return 0, err
	}
	if !alone {
		return 0, errNotAlone // the other server may have no keyset yet: it could not read what is sealed, and stores more in clear
	}
	defer end()
	if n, err = s.rows(ctx); err != nil {
		return n, err
	}
	files, err := s.jobs.SealRejects(ctx)
	if n += files; err != nil {
		return n, err
	}
	if n > 0 {
		if err := s.db.Vacuum(ctx); err != nil {
			return n, err
		}
		if err := controldb.ForgetCopies(filepath.Join(s.dir, controlFile), time.Now()); err != nil {
			return n, err
		}
	}
	return n, s.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO sealing (id, done_at) VALUES (1, ?) ON CONFLICT DO NOTHING`, time.Now().UnixMicro())
		return err
	})
}

// rows seals rows of the control store, some at a time.
func (s sealer) rows(ctx context.Context) (n int, err error) {
	for more := true; more; {
		batch := 0
		err := s.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
			batch = 0
			for _, seal := range []func() (int, error){
				func() (int, error) { return s.catalog.SealPlain(ctx, tx) },
				func() (int, error) { return s.store.SealPlain(ctx, tx, sealBatch) },
				func() (int, error) { return s.asked.SealPlain(ctx, tx, sealBatch) },
				func() (int, error) { return s.jobs.SealPlain(ctx, tx, sealBatch) },
				func() (int, error) { return s.audit.SealPlain(ctx, tx, sealBatch) },
			} {
				sealed, err := seal()
				if err != nil {
					return err
				}
				batch += sealed
			}
			return nil
		})
		if err != nil {
			return n, err
		}
		n, more = n+batch, batch > 0
	}
	return n, nil
}

// sealPlain seals at start what was stored plain before.
func (m *Main) sealPlain(ctx context.Context, s sealer) error {
	n, err := s.run(ctx)
	if privacy.CodeOf(err) == privacy.CodeUnavailable {
		m.Log.Warn("what was stored in clear before there was a keyset is not sealed yet: another program uses the data directory. The next start alone tries again")
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot seal what was stored in clear: %w", shown(err))
	}
	if n > 0 {
		m.Log.Info("what was stored in clear is sealed now", "values", n)
	}
	return nil
}

func (a *app) keyringSealCommand() *cobra.Command {
	var f keyringFlags
	return f.register(&cobra.Command{
		Use:   "seal --data-dir DIR",
		Short: "Seal what was stored in clear before there was a keyset",
		Long: `Seal what was stored in clear before there was a keyset: releases, what charges
keep of requests, the keys of pseudonyms, what records of loads have of files,
rejected rows, and what callers wrote in requests that were refused. A server does
the same when it starts. There is no way back: from then on the directory cannot
be read without its keyset, not by earlier programs either. Copies of the control
store from before migrations are removed. Data files become encrypted as they are
replaced or merged.

What was in clear on the disk stays there until the disk writes over it.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := f.open(); err != nil {
				return err
			}
			n, err := sealOffline(cmd.Context(), f)
			if err != nil {
				return err
			}
			return a.print(map[string]int{"sealed": n}, func(w io.Writer) { fmt.Fprintf(w, "%d values are sealed\n", n) })
		},
	})
}

// sealOffline opens of a data directory what sealing takes.
func sealOffline(ctx context.Context, f keyringFlags) (n int, err error) {
	db, err := controldb.OpenAs(ctx, filepath.Join(f.dataDir, controlFile), currentVersion().Version)
	if err != nil {
		return 0, storeError(filepath.Join(f.dataDir, controlFile), err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	ring, err := openRing(ctx, db, f.keyset, f.dataDir)
	if err != nil {
		return 0, err
	}
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	workers, err := child.New(child.Options{Command: []string{self, "worker"}})
	if err != nil {
		return 0, err
	}
	s := sealer{db: db, dir: f.dataDir, keys: ring, catalog: catalog.New(db, time.Now).WithKeys(ring), store: release.New(db).WithKeys(ring)}
	s.asked = &kept.Book{Ledger: ledger.New(db, time.Now), Keys: ring}
	if s.jobs, err = job.New(job.Options{DB: db, Catalog: s.catalog, Keys: ring, Dir: f.dataDir, Workers: workers, Now: time.Now}); err != nil {
		return 0, err
	}
	s.audit = audit.New(audit.Options{DB: db, Keys: ring, Now: time.Now})
	if n, err = s.run(ctx); err != nil {
		return n, fmt.Errorf("not everything is sealed, and running it again goes on: %w", shown(err))
	}
	return n, nil
}
