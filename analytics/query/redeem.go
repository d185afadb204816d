package query

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/finish"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger"
)

// pollEvery is how often a process looks for the release of a charge that
// another process is redeeming.
const pollEvery = 10 * time.Millisecond

// leaseMargin is what a lease outlives the run it is for by.
const leaseMargin = 5 * time.Second

// errAbandoned is why a charge has no release and will have none.
var errAbandoned = errors.New("the charge was abandoned after too many attempts")

// settled returns the release of a charge that exists, finishing it if need be
// as the request that paid for it, whoever asks now.
func (s *Service) settled(ctx context.Context, key string) (release.Core, error) {
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
	return s.redeemed(ctx, paid, prep)
}

// redeemed returns the one release of a charge, computing it unless it is
// stored. The work goes on when the caller hangs up: a charge that was paid
// must come to its release.
func (s *Service) redeemed(ctx context.Context, charge ledger.Charge, prep *prepared) (release.Core, error) {
	s.inFlight.Add(1)
	work := context.WithoutCancel(ctx)
	ch := s.flights.DoChan(charge.ID, func() (any, error) {
		runCtx, cancel := context.WithTimeout(work, s.Timeout)
		defer cancel()
		return s.redeemSafely(runCtx, charge, prep)
	})
	done := func(r singleflight.Result) (release.Core, error) {
		defer s.inFlight.Done()
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
	if e := privacy.AsError(err); e.Code == privacy.CodeUnavailable && e.Cause == nil {
		return err
	}
	return privacy.Internal(errors.New(err.Error()), "redeem charge")
}

// redeem computes, noises and stores the release of a charge, or returns the
// one that is stored.
func (s *Service) redeem(ctx context.Context, charge ledger.Charge, prep *prepared) (release.Core, error) {
	if stored, ok, err := s.Store.ByKey(ctx, charge.Key); err != nil || ok {
		return stored, err
	}
	if !prep.leased {
		mine, err := s.Ledger.Acquire(ctx, charge.ID, s.owner, s.leaseTTL())
		if err != nil {
			return release.Core{}, err
		}
		if !mine {
			return s.await(ctx, charge)
		}
	}
	stored, err := s.run(ctx, charge, prep)
	if err != nil {
		// Whoever asks again may try at once; the attempt stays counted.
		return stored, errors.Join(err, s.Ledger.Yield(context.WithoutCancel(ctx), charge.ID, s.owner))
	}
	return stored, nil
}

// run does the work of a charge whose lease this process holds.
func (s *Service) run(ctx context.Context, charge ledger.Charge, prep *prepared) (release.Core, error) {
	if err := s.runs.Acquire(ctx, 1); err != nil {
		return release.Core{}, busy()
	}
	defer s.runs.Release(1)
	core, err := s.compute(ctx, prep)
	if err != nil {
		return release.Core{}, err
	}
	return s.store(ctx, charge, prep, core)
}

// leaseTTL is how long a run may hold a charge before another process may try.
func (s *Service) leaseTTL() time.Duration { return s.Timeout + leaseMargin }

func busy() error {
	return privacy.Errorf(privacy.CodeUnavailable, "the answer is not ready yet; ask again, nothing more is charged")
}

// await waits for the release of a charge that another process is redeeming. A
// charge that is neither pending nor released was abandoned and has none.
//
// When the time is up in the middle of a look it is the time that is up, and
// not the look that failed: nothing private was read here, and the caller may
// know that asking again will do.
func (s *Service) await(ctx context.Context, charge ledger.Charge) (release.Core, error) {
	core, err := s.lookUntil(ctx, charge)
	if err != nil && ctx.Err() != nil {
		return release.Core{}, busy()
	}
	return core, err
}

func (s *Service) lookUntil(ctx context.Context, charge ledger.Charge) (release.Core, error) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if stored, ok, err := s.Store.ByKey(ctx, charge.Key); err != nil || ok {
			return stored, err
		}
		if _, live, err := s.Ledger.Lookup(ctx, charge.Key); err != nil || !live {
			return release.Core{}, errors.Join(err, errAbandoned)
		}
		select {
		case <-ctx.Done():
			return release.Core{}, ctx.Err()
		case <-tick.C:
		}
	}
}

// compute reads private rows. It is called for charges only, and its exact
// partials go no further than noise.
func (s *Service) compute(ctx context.Context, prep *prepared) (*finish.Core, error) {
	in := engine.Input{Plan: prep.priced.Plan}
	for _, tenant := range prep.priced.Plan.Tenants {
		for _, seg := range prep.generations[tenant].Segments {
			in.Segments = append(in.Segments, engine.Segment{Tenant: tenant, Path: filepath.Join(s.DataDir, seg.Path)})
		}
	}
	secrets, err := s.Catalog.SecretsFor(ctx, prep.dataset.Name, "", prep.priced.Plan.Scope)
	if err != nil {
		return nil, err
	}
	in.Salt = secrets.Salt
	partials, err := s.Engine.Run(ctx, in)
	if err != nil {
		return nil, err
	}
	return noise(prep.priced, partials)
}

// store makes the release durable in the transaction that redeems its charge.
// Should another process have been faster, its release is the one.
func (s *Service) store(ctx context.Context, charge ledger.Charge, prep *prepared, core *finish.Core) (release.Core, error) {
	c := release.Core{Key: charge.Key, Charge: charge.ID, Release: release.Release{
		ID: privacy.NewID("rel"), Dataset: prep.dataset.Name, ContractVersion: prep.priced.Plan.Version,
		Epsilon: charge.Loss.Epsilon, Delta: charge.Loss.Delta, CreatedAt: s.Now().UTC().Truncate(time.Microsecond),
	}}
	var err error
	if c.Noised, err = core.Encode(); err != nil {
		return c, err
	}
	answer, err := s.view(c, prep)
	if err != nil {
		return c, err
	}
	arrow, err := arrowOf(answer.Table)
	if err != nil {
		return c, err
	}
	err = s.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := s.Ledger.Redeem(ctx, tx, charge.ID, c.ID); err != nil {
			return err
		}
		if err := s.Store.Put(ctx, tx, c); err != nil {
			return err
		}
		_, err := s.Store.Serve(ctx, tx, release.View{
			Release: c.ID, Principal: charge.Principal, SQL: prep.request.SQL, Result: arrow,
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
	return c, err
}
