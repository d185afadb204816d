package query

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
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

// redeemed returns the one release of a charge, computing it unless it is
// stored. The work goes on when the caller hangs up: a charge that was paid
// must come to its release.
func (s *Service) redeemed(ctx context.Context, charge ledger.Charge, prep *prepared) (release.Stored, error) {
	s.inFlight.Add(1)
	work := context.WithoutCancel(ctx)
	ch := s.flights.DoChan(charge.ID, func() (any, error) {
		runCtx, cancel := context.WithTimeout(work, s.Timeout)
		defer cancel()
		return s.redeem(runCtx, charge, prep)
	})
	done := func(r singleflight.Result) (release.Stored, error) {
		defer s.inFlight.Done()
		if r.Err != nil {
			return release.Stored{}, constantFailure(r.Err)
		}
		return r.Val.(release.Stored), nil
	}
	select {
	case r := <-ch:
		return done(r)
	case <-ctx.Done():
		go func() { _, _ = done(<-ch) }()
		return release.Stored{}, privacy.Errorf(privacy.CodeUnavailable, "the caller left before the answer was ready; ask again, nothing more is charged")
	}
}

// constantFailure hides why a run failed: whether it ran out of time, of memory
// or into a bug may depend on rows. The charge stays redeemable.
func constantFailure(err error) error {
	if e := privacy.AsError(err); e.Code == privacy.CodeUnavailable {
		return err
	}
	return privacy.Internal(err, "redeem charge")
}

// redeem computes, noises and stores the release of a charge, or returns the
// one that is stored.
func (s *Service) redeem(ctx context.Context, charge ledger.Charge, prep *prepared) (release.Stored, error) {
	if stored, ok, err := s.Store.ByKey(ctx, charge.Key); err != nil || ok {
		return stored, err
	}
	if !prep.leased {
		mine, err := s.Ledger.Acquire(ctx, charge.ID, s.owner, s.leaseTTL())
		if err != nil {
			return release.Stored{}, err
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
func (s *Service) run(ctx context.Context, charge ledger.Charge, prep *prepared) (release.Stored, error) {
	if err := s.runs.Acquire(ctx, 1); err != nil {
		return release.Stored{}, busy()
	}
	defer s.runs.Release(1)
	core, err := s.compute(ctx, prep)
	if err != nil {
		return release.Stored{}, err
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
func (s *Service) await(ctx context.Context, charge ledger.Charge) (release.Stored, error) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if stored, ok, err := s.Store.ByKey(ctx, charge.Key); err != nil || ok {
			return stored, err
		}
		if _, live, err := s.Ledger.Lookup(ctx, charge.Key); err != nil || !live {
			return release.Stored{}, errors.Join(err, errors.New("the charge was abandoned"))
		}
		select {
		case <-ctx.Done():
			return release.Stored{}, busy()
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
func (s *Service) store(ctx context.Context, charge ledger.Charge, prep *prepared, core *finish.Core) (release.Stored, error) {
	now := s.Now().UTC()
	r := release.Stored{Key: charge.Key, Charge: charge.ID, Release: release.Release{
		ID: privacy.NewID("rel"), Dataset: prep.dataset.Name, ContractVersion: prep.priced.Plan.Version, SQL: prep.request.SQL,
		Epsilon: charge.Loss.Epsilon, Delta: charge.Loss.Delta, CreatedAt: now,
	}}
	table, err := tableOf(r.Release, prep, core)
	if err != nil {
		return r, err
	}
	var arrow bytes.Buffer
	if err := table.WriteArrow(&arrow, true); err != nil {
		return r, err
	}
	r.Result = arrow.Bytes()
	if r.Core, err = core.Encode(); err != nil {
		return r, err
	}
	err = s.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := s.Ledger.Redeem(ctx, tx, charge.ID, r.ID); err != nil {
			return err
		}
		return s.Store.Put(ctx, tx, r, charge.Principal)
	})
	if privacy.CodeOf(err) == privacy.CodeConflict {
		stored, ok, lookErr := s.Store.ByKey(ctx, charge.Key)
		if lookErr != nil || !ok {
			return r, errors.Join(err, lookErr)
		}
		return stored, nil
	}
	return r, err
}
