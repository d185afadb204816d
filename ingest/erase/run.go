package erase

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/containment"
)

// errGone is why nothing is left to do for a tenant that is no more: its data went out
// of use with it.
var errGone = privacy.Errorf(privacy.CodeConflict, "the tenant was deleted, and its data with it")

// Recover makes erasures wait again that a process left when it died, and removes the
// files that they wrote and never published. The caller holds the writer lock.
func (s *Service) Recover(ctx context.Context) error {
	if err := s.dropUnpublished(ctx, ""); err != nil {
		return err
	}
	return s.o.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE erasures SET state = 'pending' WHERE state = 'running'`); err != nil {
			return privacy.Internal(err, "resuming erasures")
		}
		return nil
	})
}

// ready is the condition that an erasure may run now: no load that came before it is
// open, and no erasure of the same data. Those that were suspended or failed wait a
// while.
const ready = `state = 'pending' AND retry_at <= ?
	AND NOT EXISTS (SELECT 1 FROM loads l WHERE l.state IN ('pending', 'running') AND l.tenant = erasures.tenant AND l.dataset = erasures.dataset AND l.seq <= erasures.after_load)
	AND NOT EXISTS (SELECT 1 FROM erasures o WHERE o.state IN ('pending', 'running') AND o.tenant = erasures.tenant AND o.dataset = erasures.dataset AND o.seq < erasures.seq)`

// Next claims the erasure that has waited longest of those that may run.
func (s *Service) Next(ctx context.Context, taken func(tenant, dataset string) bool) (work func(context.Context), ok bool, err error) {
	found, err := find(ctx, s.o.DB, ready+` ORDER BY seq`, s.o.Now().UnixMicro())
	if err != nil {
		return nil, false, err
	}
	for _, e := range found {
		if taken(e.Tenant, e.Dataset) {
			continue
		}
		if serves, err := s.serves(ctx, e.Tenant); err != nil {
			return nil, false, err
		} else if !serves {
			continue
		}
		err := s.o.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
			return swap(ctx, tx, `UPDATE erasures SET state = 'running' WHERE id = ? AND state = 'pending'`, e.ID)
		})
		if err != nil {
			return nil, false, err
		}
		return func(ctx context.Context) { s.attempt(ctx, e) }, true, nil
	}
	return nil, false, nil
}

// serves reports whether the tenant's rows may be here; those of one that is no more
// have no region.
func (s *Service) serves(ctx context.Context, tenant string) (bool, error) {
	t, err := s.o.Catalog.Tenant(ctx, tenant)
	if privacy.CodeOf(err) == privacy.CodeNotFound {
		return true, nil
	}
	return err == nil && s.o.Regions.Serve(t.Region), err
}

// attempt carries an erasure out, and records how that ended.
func (s *Service) attempt(ctx context.Context, e record) {
	began := s.o.Now()
	err := s.perform(ctx, &e)
	if err == nil {
		s.o.Log.Info("erasure ended", "erasure", e.ID, "tenant", e.Tenant, "dataset", e.Dataset, "took", s.o.Now().Sub(began).Round(time.Millisecond))
		return
	}
	stopped := ctx.Err() != nil
	ctx = context.WithoutCancel(ctx)
	var ending error
	switch {
	case stopped:
		ending = s.postpone(ctx, e, e.attempts, 0)
	case containment.Is(err): // it waits until that is lifted
		ending = s.postpone(ctx, e, e.attempts, s.o.Retry)
	case e.Generation == "" && (e.attempts+1 >= MaxAttempts || final(err)):
		ending = s.fail(ctx, e, err)
	default:
		s.o.Log.Error("an erasure is tried again", "erasure", e.ID, "tenant", e.Tenant, "dataset", e.Dataset, "cause", privacy.AsError(err))
		ending = s.postpone(ctx, e, e.attempts+1, s.o.Retry<<min(e.attempts, 6))
	}
	if errors.Is(ending, errOvertaken) { // its dataset was deleted: nobody else removes what it wrote
		ending = s.dropUnpublished(ctx, e.ID)
	}
	if ending != nil {
		s.o.Log.Warn("an erasure will be found at the next start", "erasure", e.ID, "cause", ending)
	}
}

// final reports whether trying again cannot help.
func final(err error) bool {
	return errors.Is(err, errGone) || errors.Is(err, errForm)
}

// perform does what is left of an erasure.
func (s *Service) perform(ctx context.Context, e *record) error {
	tracked, done, err := s.o.Containment.Track(ctx, touches(*e))
	if err != nil {
		return err
	}
	defer done()
	if e.Generation == "" {
		if err := s.publish(tracked, e); err != nil {
			if cause := context.Cause(tracked); containment.Is(cause) {
				return cause
			}
			return err
		}
	}
	return s.removeAll(ctx, *e) // which no suspension stops any more
}

// postpone gives an attempt back.
func (s *Service) postpone(ctx context.Context, e record, attempts int, pause time.Duration) error {
	return s.o.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return swap(ctx, tx, `UPDATE erasures SET state = 'pending', attempts = ?, retry_at = ? WHERE id = ? AND state = 'running'`,
			attempts, s.o.Now().Add(pause).UnixMicro(), e.ID)
	})
}

// fail ends an erasure that has published nothing. What stood for the units goes.
func (s *Service) fail(ctx context.Context, e record, why error) error {
	reason := privacy.AsError(why)
	if reason.Code == privacy.CodeInternal {
		s.o.Log.Error("an erasure failed for a reason of ours", "erasure", e.ID, "cause", reason)
	}
	return s.o.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		err := swap(ctx, tx, `UPDATE erasures SET state = 'failed', units = NULL, error_code = ?, error = ?, finished_at = ? WHERE id = ? AND state = 'running'`,
			reason.Code, reason.Message, s.o.Now().UnixMicro(), e.ID)
		if err != nil {
			return err
		}
		return s.log(ctx, tx, e, act{Act: "fail"})
	})
}

// knowsForm reports whether ids were read as those of the data are.
func (e record) knowsForm(form string) bool { return slices.Contains(e.forms, form) }
