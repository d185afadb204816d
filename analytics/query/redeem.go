package query

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/finish"
	"github.com/noised/noised/analytics/lineage"
	"github.com/noised/noised/analytics/noising"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/containment"
	"github.com/noised/noised/privacy/ledger"
)

// errAbandoned is why a charge has no release and will have none.
var errAbandoned = errors.New("the charge was abandoned after too many attempts")

// settled returns the release of a charge that exists, finishing it if need be
// as the request that paid for it, for whoever asks now.
func (s *Service) settled(ctx context.Context, by privacy.Principal, key string) (release.Core, error) {
	core, ok, err := s.Store.ByKey(ctx, key)
	if err != nil || ok {
		return core, err
	}
	paid, live, err := s.Ledger.Lookup(ctx, key)
	if err != nil || !live {
		return release.Core{}, privacy.Internal(errors.Join(err, errAbandoned), "settle charge")
	}
	prep, err := s.again(ctx, paid)
	if err != nil {
		return release.Core{}, err
	}
	prep.asker = by
	return s.redeemed(ctx, paid, prep)
}

// redeemed returns the one release of a charge, computing it unless it is
// stored. The work goes on when the caller hangs up: a charge that was paid
// must come to its release.
//
// Who asks for the same at the same time shares a run. One that was stopped since
// the other's principal is suspended is begun again.
func (s *Service) redeemed(ctx context.Context, charge ledger.Charge, prep *prepared) (release.Core, error) {
	for {
		core, err := s.shared(ctx, charge, prep)
		if !containment.Is(err) || s.Containment.Check(ctx, prep.touches()) != nil {
			return core, err
		}
		prep.leased = false
	}
}

// shared takes part in the run of a charge, or begins it.
func (s *Service) shared(ctx context.Context, charge ledger.Charge, prep *prepared) (release.Core, error) {
	s.inFlight.Add(1)
	leave := stay(ctx)
	work := context.WithoutCancel(ctx)
	ch := s.flights.DoChan(charge.ID, func() (any, error) {
		runCtx, cancel := context.WithTimeout(work, s.Timeout)
		defer cancel()
		return s.contained(runCtx, charge, prep)
	})
	done := func(r singleflight.Result) (release.Core, error) {
		defer s.inFlight.Done()
		defer leave()
		if r.Err != nil {
			return release.Core{}, constantFailure(r.Err)
		}
		return r.Val.(release.Core), nil
	}
	select {
	case r := <-ch:
		return done(r)
	case <-ctx.Done():
		go func() { _, _ = done(<-ch) }()
		return release.Core{}, busy()
	}
}

// redeemSafely turns a panic into a failed run. Its value is not kept: it may
// hold a row's.
func (s *Service) redeemSafely(ctx context.Context, charge ledger.Charge, prep *prepared) (c release.Core, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = privacy.Internal(fmt.Errorf("panic of type %T", r), "redeem charge")
		}
	}()
	return s.redeem(ctx, charge, prep)
}

// constantFailure hides why a run failed: whether it ran out of time, of memory
// or into a bug may depend on rows. The cause keeps its text for the log, and
// nothing by which a caller could tell one failure from another. The charge
// stays redeemable.
func constantFailure(err error) error {
	if e := privacy.AsError(err); e.Cause == nil && (e.Code == privacy.CodeUnavailable || e.Code == privacy.CodeSuspended) {
		return err
	}
	return privacy.Internal(errors.New(err.Error()), "redeem charge")
}

// redeem computes, noises and stores the release of a charge, or returns the
// one that is stored. While another process holds the charge it waits, and takes
// over should that one die.
func (s *Service) redeem(ctx context.Context, charge ledger.Charge, prep *prepared) (release.Core, error) {
	for mine := prep.leased; ; {
		if stored, ok, err := s.Store.ByKey(ctx, charge.Key); err != nil || ok {
			return stored, inTime(ctx, err)
		}
		if mine {
			return s.run(ctx, charge, prep)
		}
		var err error
		if mine, err = s.lease(ctx, charge); err != nil {
			return release.Core{}, inTime(ctx, err)
		}
	}
}

// run does the work of a charge whose lease this process holds.
func (s *Service) run(ctx context.Context, charge ledger.Charge, prep *prepared) (c release.Core, err error) {
	defer s.keepLease(ctx, charge)()
	began := false
	defer func() {
		if err != nil { // whoever asks again may try at once
			err = errors.Join(err, s.Ledger.Yield(context.WithoutCancel(ctx), charge.ID, s.owner, began && !s.stopped(ctx, err)))
		}
	}()
	pace := sync.OnceFunc(func() { s.pace(charge) })
	defer pace() // when a run fails, too, and even if it panics, depends on rows
	giveBack, err := s.runs.Take(ctx, asking(ctx))
	if err != nil {
		return release.Core{}, busy()
	}
	began = true
	core, ran, err := s.computed(ctx, charge, prep, giveBack)
	if err != nil {
		return release.Core{}, err
	}
	pace()
	return s.store(context.WithoutCancel(ctx), charge, ran, core) // the time limit is that of the run, not of its storage
}

// compute reads private rows. It is called for charges only, and its exact partials
// go no further than noising.
func (s *Service) compute(ctx context.Context, prep *prepared) (*finish.Core, error) {
	in := engine.Input{Plan: prep.run, Segments: prep.segments}
	secrets, err := s.Catalog.SecretsFor(ctx, prep.dataset.Name, "", prep.priced.Plan.Scope)
	if err != nil {
		return nil, err
	}
	in.Salt = secrets.Salt
	partials, err := s.Engine.Run(ctx, in)
	if err != nil {
		return nil, err
	}
	return noising.Noise(prep.priced, partials)
}

// store makes the release durable in the transaction that redeems its charge.
// Should another process have been faster, its release is the one.
func (s *Service) store(ctx context.Context, charge ledger.Charge, prep *prepared, core *finish.Core) (release.Core, error) {
	c := release.Core{Key: charge.Key, Charge: charge.ID, Release: release.Release{
		ID: privacy.NewID("rel"), Dataset: prep.dataset.Name, ContractVersion: prep.priced.Plan.Version,
		Epsilon: charge.Loss.Epsilon, Delta: charge.Loss.Delta, CreatedAt: s.Now().UTC().Truncate(time.Microsecond),
		Purpose: prep.request.Purpose, Policy: prep.policy,
	}}
	c.Noised = core.Encode()
	answer, err := viewOf(c.Release, prep, core)
	if err != nil {
		return c, err
	}
	table, err := answer.Table.Encode()
	if err != nil {
		return c, privacy.Internal(err, "encode result")
	}
	err = s.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := s.Containment.CheckIn(ctx, tx, prep.touches()); err != nil {
			return err
		}
		if err := s.Ledger.Redeem(ctx, tx, charge.ID, c.ID); err != nil {
			return err
		}
		if err := s.Store.Put(ctx, tx, c); err != nil {
			return err
		}
		if err := lineage.Note(ctx, tx, c.ID, prep.reads()); err != nil {
			return err
		}
		_, err := s.Store.Serve(ctx, tx, release.View{
			Release: c.ID, Principal: charge.Principal, SQL: prep.request.SQL, Result: table,
			Purpose: prep.request.Purpose, Policy: prep.policy,
		})
		return err
	})
	if privacy.CodeOf(err) == privacy.CodeConflict {
		stored, ok, lookErr := s.Store.ByKey(ctx, charge.Key)
		if lookErr != nil || !ok {
			return c, errors.Join(err, lookErr)
		}
		return stored, nil
	}
	if err == nil {
		prep.shown = answer
	}
	return c, err
}
