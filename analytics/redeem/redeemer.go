// Package redeem brings charges to their releases. A charge is never given back: it is
// redeemed instead, by one run over private rows whose exact partials are noised at
// once, and whose one release is stored in the transaction that redeems the charge.
// What the package promises:
//
//   - Rows are read for a charge only, on generations of which nobody has been erased.
//   - A run goes on when its caller hangs up. One that fails, or dies with its process,
//     is begun again by whoever asks next, and by Recover.
//   - Of several processes one runs at a time, by lease, and one release is stored.
//   - What is stored or said of a run comes at a time that does not depend on rows, and
//     all failures of runs look the same.
package redeem

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/kept"
	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/analytics/turns"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/containment"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/ledger"
)

// Engine computes the exact, bounded partials of a plan. It must read only the
// segments it is given.
type Engine interface {
	Run(ctx context.Context, in engine.Input) (*engine.Partials, error)
}

// Options holds what a Redeemer is wired from. Everything but Slot is required.
type Options struct {
	DB          *controldb.DB
	Catalog     *catalog.Catalog
	Ledger      *ledger.Ledger
	Store       *release.Store
	Engine      Engine
	Containment *containment.Service
	Questions   *question.Preparer
	Book        *kept.Book
	Log         *slog.Logger
	Now         func() time.Time

	Timeout       time.Duration // of the wait for one run, and of the run
	MaxConcurrent int           // runs at once
	Slot          time.Duration // releases are stored on a grid of such slots, see pace; at once when 0
}

// Redeemer redeems charges. It is safe for concurrent use; several processes may run
// one on the same control store.
type Redeemer struct {
	Options
	owner    string // identifies this process in charge leases
	runs     *turns.Queue
	flights  singleflight.Group
	inFlight sync.WaitGroup
}

// New returns a Redeemer.
func New(o Options) *Redeemer {
	return &Redeemer{Options: o, owner: privacy.NewID("run"), runs: turns.New(o.MaxConcurrent)}
}

// Longest is how long a question may take: it waits, it runs, and what came of that is
// stored on a slot.
func (r *Redeemer) Longest() time.Duration { return 2*r.Timeout + r.Slot }

// Owner is whom a charge's first lease must be given to for it to be redeemed here.
func (r *Redeemer) Owner() string { return r.owner }

// Waiting counts the runs that wait for their turn.
func (r *Redeemer) Waiting() int { return r.runs.Waiting() }

// Close waits until every charge that this process is redeeming has its
// release, or ctx ends. A charge that is cut off stays redeemable.
func (r *Redeemer) Close(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		r.inFlight.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
