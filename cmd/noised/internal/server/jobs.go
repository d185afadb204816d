package server

import (
	"context"
	"database/sql"
	"time"

	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/cmd/noised/internal/datadir"
	"github.com/noised/noised/ingest/erase"
	"github.com/noised/noised/ingest/job"
	"github.com/noised/noised/ingest/retire"
	"github.com/noised/noised/privacy/controldb"
)

// letGoEvery is how often files are looked for that another server removed.
const letGoEvery = 10 * time.Second

// letGo closes what the engine has open of files that are gone, until ctx ends. This
// server's own loads and erasures tell it; what another on the same directory removes
// is on the disk until it is closed here too.
func (p *parts) letGo(ctx context.Context) {
	tick := time.NewTicker(letGoEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			p.engine.ForgetGone()
		}
	}
}

// data is what runs on tenants' data beside queries.
type data struct {
	jobs     *job.Service
	erasures *erase.Service
	retiring *retire.Service
}

// openData starts what runs on tenants' data: loads, erasures beside them, and what
// removes datasets that were deleted. Others that have something of a dataset end it in
// the transaction that deletes it.
func openData(o job.Options, others ...retire.Ender) (d data, err error) {
	if d.jobs, err = job.New(o); err != nil {
		return d, err
	}
	copies := func() error { return controldb.ForgetCopies(datadir.ControlPath(o.Dir), o.Now()) }
	d.erasures, err = erase.New(erase.Options{
		Copies: copies,
		DB:     o.DB, Catalog: o.Catalog, Jobs: d.jobs, Containment: o.Containment, Dir: o.Dir, Regions: o.Regions, Removed: o.Removed, Log: o.Log, Now: o.Now,
	})
	if err != nil {
		return d, err
	}
	d.jobs.Beside(d.erasures)
	d.retiring, err = retire.New(retire.Options{
		Copies: copies, Loads: d.jobs, Ends: append(others, retire.Of(d.erasures.EndIn)),
		DB: o.DB, Catalog: o.Catalog, Containment: o.Containment, Dir: o.Dir, Regions: o.Regions, Removed: o.Removed, Log: o.Log,
	})
	if err != nil {
		return d, err
	}
	d.jobs.Meanwhile(d.retiring.Sweep)
	return d, nil
}

// keepCopies is how long copies from before upgrades stay: they hold keys that may have
// been shredded since.
const keepCopies = 7 * 24 * time.Hour

// sweepCopies removes old copies from before upgrades until ctx ends.
func (m *Main) sweepCopies(ctx context.Context) error {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if err := controldb.ForgetCopies(datadir.ControlPath(m.Config.DataDir), time.Now().Add(-keepCopies)); err != nil {
			m.Log.Warn("copies from before upgrades could not be removed", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// shredding has the results of a deleted dataset's releases shredded, and says which of
// them did not open: what the log cannot be held against any more.
func (m *Main) shredding(store *release.Store) func(ctx context.Context, tx *sql.Tx, dataset string) error {
	return func(ctx context.Context, tx *sql.Tx, dataset string) error {
		unopened, err := store.ShredIn(ctx, tx, dataset)
		if len(unopened) > 0 {
			m.Log.Warn("stored results did not open as their dataset was deleted: noised log verify says what else was changed", "dataset", dataset, "releases", unopened)
		}
		return err
	}
}
