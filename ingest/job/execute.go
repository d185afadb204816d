package job

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/ingest/build"
	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/privacy"
)

func isNotFound(err error) bool { return privacy.CodeOf(err) == privacy.CodeNotFound }

// execute runs one attempt of a load to its end, whatever that is.
func (s *Service) execute(ctx context.Context, j record) {
	attempt, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.mu.Lock()
	s.running[j.ID] = cancel
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.running, j.ID)
		s.mu.Unlock()
	}()
	s.o.Log.Info("load started", "load", j.ID, "tenant", j.Tenant, "dataset", j.Dataset, "bytes", j.Bytes, "attempt", j.attempts)
	began := s.o.Now()
	dir := filepath.Join(s.workRoot(), fmt.Sprintf("%s-%d", j.ID, j.attempts))
	err := s.contained(attempt, &j, dir)
	s.removeAll(dir)
	s.conclude(ctx, attempt, j, err)
	s.o.Log.Info("load ended", "load", j.ID, "tenant", j.Tenant, "dataset", j.Dataset, "took", s.o.Now().Sub(began).Round(time.Millisecond))
}

// conclude records the end of an attempt. ctx is the service's and ends with
// it; attempt is the attempt's.
func (s *Service) conclude(ctx, attempt context.Context, j record, err error) {
	store := context.WithoutCancel(ctx)
	switch {
	case err == nil:
		s.dropUpload(store, j)
		return
	case errors.Is(err, errOvertaken), errors.Is(context.Cause(attempt), errCancelled), errors.Is(context.Cause(attempt), errOvertaken):
		s.discard(store, j)
		return
	case ctx.Err() != nil:
		switch err := s.requeue(store, j); {
		case errors.Is(err, errOvertaken):
			s.discard(store, j)
		case err != nil:
			s.o.Log.Warn("an interrupted load will be found at the next start", "load", j.ID, "cause", err)
		}
		return
	}
	e := privacy.AsError(err)
	if e.Code == privacy.CodeInternal {
		s.o.Log.Error("a load failed for a reason of ours", "load", j.ID, "cause", e)
	}
	j.State, j.RowsLoaded, j.Generation = StateFailed, 0, ""
	j.Error = &Failure{Code: e.Code, Message: e.Message}
	err = s.o.DB.InTx(store, func(ctx context.Context, tx *sql.Tx) error { return finish(ctx, tx, j, s.o.Now()) })
	if err != nil && !errors.Is(err, errOvertaken) {
		s.o.Log.Error("the end of a load could not be recorded; it will run again", "load", j.ID, "cause", err)
		return
	}
	s.discard(store, j)
}

// discard removes the files of a load that ended without being published. It
// asks the store first: a commit that was reported as failed may have happened.
func (s *Service) discard(ctx context.Context, j record) {
	now, err := find(ctx, s.o.DB, `id = ? AND state IN ('failed', 'cancelled')`, j.ID)
	if err != nil || len(now) == 0 {
		return // recovery tells at the next start
	}
	s.removeFile(s.segmentPath(j))
	s.dropRejects(ctx, j)
	s.dropUpload(ctx, j)
}

// attempt has the worker build the segment and publishes it. When it returns
// nil the load is recorded as succeeded.
func (s *Service) attempt(ctx context.Context, j *record, dir string) error {
	c, err := s.mayLoad(ctx, *j)
	if err != nil {
		return err
	}
	spec, err := s.loadSpec(ctx, j, c, dir)
	if err != nil {
		return err
	}
	result, err := s.work(ctx, *j, spec, true)
	j.RowsRead, j.RowsLoaded, j.RowsRejected = result.RowsRead, result.RowsLoaded, result.RowsRejected
	j.stored, j.IgnoredColumns = result.RowsStored, result.Ignored
	if sealing := s.sealIgnored(ctx, j); err == nil {
		err = sealing
	}
	if keeping := s.keepRejects(*j, dir); err == nil {
		err = keeping
	}
	if err != nil {
		return err
	}
	j.State = StateSucceeded
	if j.DryRun {
		return s.o.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error { return finish(ctx, tx, *j, s.o.Now()) })
	}
	return s.publish(ctx, j, c, dir)
}

// keepRejects moves the reject file, if there is one, to where Rejects finds
// it: also those of a load that failed because of them. Those of public tables
// are nobody's to read.
func (s *Service) keepRejects(j record, dir string) error {
	if j.Tenant == catalog.Public {
		return nil
	}
	from, to := filepath.Join(dir, build.RejectsFile), s.rejectsPath(j.Tenant, j.ID)
	info, err := os.Stat(from)
	if err != nil || info.Size() == 0 {
		return nil //nolint:nilerr // the worker did not get that far, or rejected nothing
	}
	if err := segment.MkdirAll(filepath.Dir(to)); err != nil {
		return privacy.Internal(err, "keeping rejected rows")
	}
	if err := segment.Rename(from, to); err != nil {
		return privacy.Internal(err, "keeping rejected rows")
	}
	return nil
}
