package job

import (
	"context"
	"errors"
	"sync"
	"time"
)

// How often Run looks for loads that other processes took in, and for files
// that nobody needs any more.
const (
	pollEvery    = 250 * time.Millisecond
	sweepEvery   = 5 * time.Minute
	compactEvery = 10 * time.Second
)

// Run runs loads until ctx ends, then stops those that are running, so that
// they start again later, and returns nil. While another process holds the
// writer lock of the data directory it waits for its turn.
func (s *Service) Run(ctx context.Context) error {
	lock, err := s.becomeWriter(ctx)
	if err != nil || lock == nil {
		return err
	}
	defer func() { _ = lock.Close() }()
	if err := s.recover(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	s.sweep(ctx)
	var jobs sync.WaitGroup
	defer jobs.Wait() // before the lock goes
	jobs.Go(func() { s.lookAlways(ctx) })
	s.schedule(ctx, &jobs)
	return nil
}

// sweepEvery returns how often to look for files that are due: often enough
// that none stays twice as long as it should, or a second.
func (s *Service) sweepEvery() time.Duration {
	return min(sweepEvery, max(s.o.KeepReplaced, time.Second))
}

// compactEvery returns how often to look for tables to merge.
func (s *Service) compactEvery() time.Duration {
	return min(compactEvery, max(s.o.CompactAfter, pollEvery))
}

// schedule starts loads as they come, and merges tables when no load waits, never
// more than Concurrency at once.
func (s *Service) schedule(ctx context.Context, jobs *sync.WaitGroup) {
	poll, sweep, compact := time.NewTicker(pollEvery), time.NewTicker(s.sweepEvery()), time.NewTicker(s.compactEvery())
	defer poll.Stop()
	defer sweep.Stop()
	defer compact.Stop()
	slots := make(chan struct{}, s.o.Concurrency)
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		if s.startAlone(ctx, func() { <-slots; s.nudge() }, jobs.Go) {
			continue
		}
		j, ok, err := s.claim(ctx)
		if err != nil && ctx.Err() == nil && !errors.Is(err, errOvertaken) {
			s.o.Log.Error("loads cannot be started", "cause", err)
		}
		if ok {
			jobs.Go(func() {
				defer func() { <-slots; s.nudge() }()
				s.execute(ctx, j)
			})
			continue
		}
		select {
		case <-compact.C:
			if s.merges.Start(ctx, func() { <-slots; s.nudge() }, jobs.Go) {
				continue
			}
		default:
		}
		<-slots
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-poll.C:
		case <-sweep.C:
			s.sweep(ctx)
		}
	}
}
