package setup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/kept"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/cmd/noised/internal/atrest"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/datadir"
	"github.com/noised/noised/ingest/child"
	"github.com/noised/noised/ingest/job"
	"github.com/noised/noised/privacy/audit"
	"github.com/noised/noised/privacy/ledger"
)

func keyringSealCommand(a *command.App) *cobra.Command {
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
			return a.Print(map[string]int{"sealed": n}, func(w io.Writer) { fmt.Fprintf(w, "%d values are sealed\n", n) })
		},
	})
}

// sealOffline opens of a data directory what sealing takes.
func sealOffline(ctx context.Context, f keyringFlags) (n int, err error) {
	db, err := datadir.OpenStore(ctx, f.dataDir)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	ring, err := atrest.OpenRing(ctx, db, f.keyset, f.dataDir)
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
	s := atrest.Sealer{DB: db, Dir: f.dataDir, Keys: ring, Catalog: catalog.New(db, time.Now).WithKeys(ring), Store: release.New(db).WithKeys(ring)}
	s.Asked = &kept.Book{Ledger: ledger.New(db, time.Now), Keys: ring}
	if s.Jobs, err = job.New(job.Options{DB: db, Catalog: s.Catalog, Keys: ring, Dir: f.dataDir, Workers: workers, Now: time.Now}); err != nil {
		return 0, err
	}
	s.Audit = audit.New(audit.Options{DB: db, Keys: ring, Now: time.Now})
	if n, err = s.Run(ctx); err != nil {
		return n, fmt.Errorf("not everything is sealed, and running it again goes on: %w", datadir.Shown(err))
	}
	return n, nil
}
