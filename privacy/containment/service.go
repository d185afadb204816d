package containment

import (
	"context"
	"database/sql"
	"sync"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
)

// Every is how often Watch looks for suspensions that other processes placed.
const Every = 250 * time.Millisecond

// Service knows what is suspended, and the runs of this process. It is safe for
// concurrent use.
type Service struct {
	db  *controldb.DB
	now func() time.Time

	mu    sync.Mutex
	known *set // nil before the first look
	runs  map[*run]struct{}
}

// run is one that can be stopped.
type run struct {
	touches Touches
	cancel  context.CancelCauseFunc
}

// New returns the service on a control store.
func New(db *controldb.DB, now func() time.Time) *Service {
	return &Service{db: db, now: now, runs: map[*run]struct{}{}}
}

// Check refuses as CodeSuspended what touches something that is suspended now.
func (s *Service) Check(ctx context.Context, t Touches) error {
	now, err := s.current(ctx)
	if err != nil {
		return err
	}
	return now.refusal(t)
}

// CheckIn is Check as the transaction sees it: what it permits cannot be suspended
// before the transaction has committed.
func (s *Service) CheckIn(ctx context.Context, tx *sql.Tx, t Touches) error {
	change, err := changeIn(ctx, tx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	now := s.known
	s.mu.Unlock()
	if now == nil || now.change != change { // not kept: the transaction may yet be rolled back
		if now, err = setIn(ctx, tx, change); err != nil {
			return err
		}
	}
	return now.refusal(t)
}

// answersKept is longer than any answer is kept for its caller to repeat a request.
const answersKept = 48 * time.Hour

// DatasetsSuspended reports whether any dataset is, or was deleted so recently that an
// answer of before may be kept somewhere, as far as this process knows: for whoever has
// no name to ask by.
func (s *Service) DatasetsSuspended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known == nil || len(s.known.datasets) > 0 || len(s.known.deleted) > 0 && s.now().Sub(s.known.latest) < answersKept
}

// Deleted reports whether a dataset is no more, as far as this process knows: then
// what Check refused is never permitted again.
func (s *Service) Deleted(dataset string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known != nil && s.known.deleted[dataset]
}

// Look has runs of this process stopped at once for what it has just changed. What
// this misses, Watch sees.
func (s *Service) Look(ctx context.Context) { _, _ = s.current(context.WithoutCancel(ctx)) }

// Track returns a context that is cancelled, with a refusal as its cause, once
// something is suspended that a run touches. It refuses a run that touches what is
// suspended already. The caller calls done at the end.
func (s *Service) Track(ctx context.Context, t Touches) (tracked context.Context, done func(), err error) {
	if err := s.Check(ctx, t); err != nil {
		return nil, nil, err
	}
	tracked, cancel := context.WithCancelCause(ctx)
	r := &run{touches: t, cancel: cancel}
	s.mu.Lock()
	s.runs[r] = struct{}{}
	if err := s.known.refusal(t); err != nil { // since the look above
		cancel(err)
	}
	s.mu.Unlock()
	return tracked, func() {
		s.mu.Lock()
		delete(s.runs, r)
		s.mu.Unlock()
		cancel(nil)
	}, nil
}

// Watch stops runs for suspensions that other processes place, until ctx ends.
// While the store cannot be read nothing is stopped, and nothing can be stored
// either; failed hears why.
func (s *Service) Watch(ctx context.Context, failed func(error)) {
	tick := time.NewTicker(Every)
	defer tick.Stop()
	for {
		if _, err := s.current(ctx); err != nil && ctx.Err() == nil {
			failed(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// current returns the suspensions that are in force, having looked at the number
// of their changes, and stops runs where there are new ones.
func (s *Service) current(ctx context.Context) (*set, error) {
	change, err := changeIn(ctx, s.db)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	now := s.known
	s.mu.Unlock()
	if now != nil && now.change == change {
		return now, nil
	}
	// The number was read first: rows may be newer than it, and then the next look
	// reads them again, but never older.
	if now, err = setIn(ctx, s.db, change); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known != nil && s.known.change > change { // somebody else was faster
		return s.known, nil
	}
	s.known = now
	for r := range s.runs {
		if err := now.refusal(r.touches); err != nil {
			r.cancel(err)
		}
	}
	return now, nil
}

// reader is what both the store and a transaction read through.
type reader interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func changeIn(ctx context.Context, r reader) (n int64, err error) {
	if err = r.QueryRowContext(ctx, `SELECT change FROM suspension_changes`).Scan(&n); err != nil {
		return 0, privacy.Internal(err, "looking for suspensions")
	}
	return n, nil
}

// selectIn reads suspensions that a condition selects, the latest first. The
// condition is constant text.
func selectIn(ctx context.Context, r reader, where string, args ...any) ([]Suspension, error) {
	rows, err := r.QueryContext(ctx, `SELECT kind, name, owner, reason, placed_by, since FROM suspensions `+where+` ORDER BY since DESC, kind, name, owner`, args...)
	if err != nil {
		return nil, privacy.Internal(err, "reading suspensions")
	}
	defer rows.Close()
	var all []Suspension
	for rows.Next() {
		var v Suspension
		var since int64
		if err := rows.Scan(&v.Kind, &v.Name, &v.Owner, &v.Reason, &v.By, &since); err != nil {
			return nil, privacy.Internal(err, "reading suspensions")
		}
		v.Since = time.UnixMicro(since).UTC()
		all = append(all, v)
	}
	if err := rows.Err(); err != nil {
		return nil, privacy.Internal(err, "reading suspensions")
	}
	return all, nil
}

// deletion is a dataset that is no more.
type deletion struct {
	dataset string
	at      time.Time
}

// setIn reads everything that is to stop: what is suspended, and what runs on a
// dataset that was deleted.
func setIn(ctx context.Context, r reader, change int64) (*set, error) {
	all, err := selectIn(ctx, r, "")
	if err != nil {
		return nil, err
	}
	rows, err := r.QueryContext(ctx, `SELECT dataset, deleted_at FROM deleted_datasets`)
	if err != nil {
		return nil, privacy.Internal(err, "reading deleted datasets")
	}
	defer rows.Close()
	var gone []deletion
	for rows.Next() {
		var d deletion
		var at int64
		if err := rows.Scan(&d.dataset, &at); err != nil {
			return nil, privacy.Internal(err, "reading deleted datasets")
		}
		d.at = time.UnixMicro(at)
		gone = append(gone, d)
	}
	if err := rows.Err(); err != nil {
		return nil, privacy.Internal(err, "reading deleted datasets")
	}
	return newSet(change, all, gone), nil
}
