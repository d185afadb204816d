package job

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/noised/noised/ingest/build"
)

// progressEvery is the pause between two updates of a running load's record,
// and so the longest time in which another process's Cancel takes effect.
const progressEvery = time.Second

// work has a worker carry out a spec, with the keys that it needs, and returns what it
// reported. Progress goes to the load's record when it is asked for.
func (s *Service) work(ctx context.Context, j record, spec build.Spec, report bool) (build.Counts, error) {
	var err error
	if spec.Encryption, err = s.orders.Encryption(ctx, j.Tenant, j.segment, spec); err != nil {
		return build.Counts{}, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var rows atomic.Int64
	if report {
		done := make(chan struct{})
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			s.follow(ctx, cancel, j, &rows, done)
		}()
		defer func() { close(done); <-stopped }()
	}
	return s.o.Workers.Run(ctx, j.ID, spec, &rows)
}

// follow writes progress to the load's record, and ends the attempt when the
// record says that it has been cancelled.
func (s *Service) follow(ctx context.Context, cancel context.CancelCauseFunc, j record, rows *atomic.Int64, done <-chan struct{}) {
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := s.progress(ctx, j, rows.Load()); errors.Is(err, errOvertaken) {
				cancel(errOvertaken)
				return
			}
		}
	}
}
