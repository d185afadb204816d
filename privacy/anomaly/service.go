package anomaly

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/containment"
	"github.com/noised/noised/privacy/controldb"
)

// every is how often the record is looked at.
const every = time.Second

// How much of the record is read again when a process starts.
const (
	replayed    = memory * time.Hour
	maxRefusals = 200_000
	maxCharges  = 100_000
	batch       = 2000
)

// keep is how long alerts stay.
const keep = 400 * 24 * time.Hour

// Options holds what a Service is wired from. DB, Log and Now are required.
type Options struct {
	DB  *controldb.DB
	Log *slog.Logger
	Now func() time.Time

	// Question opens what a charge of a key keeps of its question: the text, with
	// whatever was filled in, and the tenant of who asked. When nil no question is
	// known, and only what was spent is counted.
	Question func(ctx context.Context, key string, payload []byte) (text, tenant string, err error)

	SuspendOn []Signal    // alerts for which the principal is suspended
	Send      func(Alert) // told of every alert that this process raised; must not wait; nil for nobody
}

// Service follows the record and raises alerts.
type Service struct {
	Options
	detector          *Detector
	refusals, charges int64 // of the record, what has been counted
	started           bool
	waiting           []Alert // to be raised
}

// New returns a service. Only Run moves it.
func New(o Options) *Service { return &Service{Options: o, detector: NewDetector()} }

// Run follows the record until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	tick, prune := time.NewTicker(every), time.NewTicker(time.Hour)
	defer tick.Stop()
	defer prune.Stop()
	for {
		if err := s.Look(ctx); err != nil && ctx.Err() == nil {
			s.Log.Warn("the record cannot be searched for anomalies; trying again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-prune.C:
			s.removeOld(ctx)
		}
	}
}

// Look counts what has come onto the record since it was last called.
func (s *Service) Look(ctx context.Context) error {
	if !s.started {
		if err := s.start(ctx); err != nil {
			return err
		}
	}
	for _, read := range []func(context.Context) ([]Alert, int, error){s.readRefusals, s.readCharges} {
		for more := true; more; {
			found, n, err := read(ctx)
			if err != nil {
				return err
			}
			s.waiting = append(s.waiting, found...)
			for len(s.waiting) > 0 { // what fails now is tried at the next look
				if err := s.raise(ctx, s.waiting[0]); err != nil {
					return err
				}
				s.waiting = s.waiting[1:]
			}
			more = n == batch
		}
	}
	return nil
}

// start finds where the part of the record begins that baselines are made of.
func (s *Service) start(ctx context.Context) error {
	since := s.Now().Add(-replayed).UnixMicro()
	err := s.DB.QueryRowContext(ctx, `SELECT max(0, coalesce((SELECT max(seq) FROM refusals), 0) - ?, coalesce((SELECT max(seq) FROM refusals WHERE at < ?), 0)),
		max(0, coalesce((SELECT max(seq) FROM charges), 0) - ?)`, maxRefusals, since, maxCharges).Scan(&s.refusals, &s.charges)
	if err != nil {
		return privacy.Internal(err, "reading the record")
	}
	s.started = true
	return nil
}

// readRefusals counts some refusals. A call that concerns somebody else is one that
// named another tenant, or asked for an object of its. A question concerns those whose
// rows may not be read where it was asked, and nobody tried anything. Who waits for having failed
// too often counts as failing.
func (s *Service) readRefusals(ctx context.Context) (found []Alert, n int, err error) {
	rows, err := s.DB.QueryContext(ctx, `SELECT r.seq, r.at, r.principal, r.tenant, r.code,
		EXISTS (SELECT 1 FROM refusal_tenants t WHERE t.refusal = r.seq AND t.tenant <> r.tenant) AND r.operation NOT IN ('query', 'queryByURL', 'explain')
		FROM refusals r WHERE r.seq > ? ORDER BY r.seq LIMIT ?`, s.refusals, batch)
	if err != nil {
		return nil, 0, privacy.Internal(err, "reading refusals")
	}
	defer rows.Close()
	for rows.Next() {
		var at int64
		var principal, tenant string
		var code privacy.Code
		var foreign bool
		if err := rows.Scan(&s.refusals, &at, &principal, &tenant, &code, &foreign); err != nil {
			return nil, 0, privacy.Internal(err, "reading refusals")
		}
		n++
		switch {
		case principal == "" && (code == privacy.CodeUnauthenticated || code == privacy.CodeRateLimited):
			found = append(found, s.detector.Refused(Logins, "", "", time.UnixMicro(at))...)
		case principal != "" && foreign && (code == privacy.CodeForbidden || code == privacy.CodeNotFound):
			found = append(found, s.detector.Refused(Foreign, principal, tenant, time.UnixMicro(at))...)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, 0, privacy.Internal(err, "reading refusals")
	}
	return found, n, nil
}

// charge is what is counted of one.
type charge struct {
	at             time.Time
	principal, key string
	epsilon        float64
	payload        []byte
}

// readCharges counts some charges. One whose question cannot be read any more counts
// as spending alone.
func (s *Service) readCharges(ctx context.Context) (found []Alert, n int, err error) {
	charges, last, err := s.nextCharges(ctx)
	if err != nil {
		return nil, 0, err
	}
	var unread []error
	for _, c := range charges {
		var text, tenant string
		if s.Question != nil {
			if text, tenant, err = s.Question(ctx, c.key, c.payload); err != nil {
				if ctx.Err() != nil {
					return nil, 0, ctx.Err()
				}
				unread = append(unread, err)
			}
		}
		found = append(found, s.detector.Charged(c.principal, tenant, c.at, c.epsilon, text)...)
	}
	if len(unread) > 0 {
		s.Log.Warn("questions could not be read, and were not compared with others", "questions", len(unread), "error", unread[0])
	}
	s.charges = last
	return found, len(charges), nil
}

// nextCharges returns the charges that come next, and the number of the last one.
func (s *Service) nextCharges(ctx context.Context) (all []charge, last int64, err error) {
	rows, err := s.DB.QueryContext(ctx, `SELECT seq, at, principal, epsilon, key, payload FROM charges WHERE seq > ? ORDER BY seq LIMIT ?`, s.charges, batch)
	if err != nil {
		return nil, 0, privacy.Internal(err, "reading charges")
	}
	defer rows.Close()
	last = s.charges
	for rows.Next() {
		var at int64
		var c charge
		if err := rows.Scan(&last, &at, &c.principal, &c.epsilon, &c.key, &c.payload); err != nil {
			return nil, 0, privacy.Internal(err, "reading charges")
		}
		c.at = time.UnixMicro(at)
		all = append(all, c)
	}
	if err := rows.Err(); err != nil {
		return nil, 0, privacy.Internal(err, "reading charges")
	}
	return all, last, nil
}

// raise makes an alert of what is not long ago: baselines are made of what was
// alerted then. Of the processes that see the same, one writes the row.
func (s *Service) raise(ctx context.Context, a Alert) error {
	if s.Now().Sub(a.At) > time.Hour {
		return nil
	}
	a.ID, a.At = privacy.NewID("alt"), a.At.UTC()
	suspend := a.Principal != "" && slices.Contains(s.SuspendOn, a.Signal)
	raised := false
	err := s.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		raised, a.Suspended = false, suspend
		res, err := tx.ExecContext(ctx, `INSERT INTO alerts (id, at, signal, principal, tenant, hour, observed, limited, suspended)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (signal, principal, hour) DO NOTHING`,
			a.ID, a.At.UnixMicro(), string(a.Signal), a.Principal, a.Tenant, hourOf(a.At), a.Observed, a.Limit, a.Suspended)
		if err != nil {
			return privacy.Internal(err, "raising an alert")
		}
		n, err := res.RowsAffected()
		if err != nil || n == 0 {
			return err
		}
		raised = true
		if !suspend {
			return nil
		}
		return containment.SuspendPrincipal(ctx, tx, a.Principal, "alert "+a.ID, s.Now())
	})
	if err != nil || !raised {
		return err
	}
	s.Log.Warn("a principal behaves unlike itself", "alert", a.ID, "signal", string(a.Signal), "principal", a.Principal,
		"observed", a.Observed, "limit", a.Limit, "suspended", a.Suspended)
	if s.Send != nil {
		s.Send(a)
	}
	return nil
}

func (s *Service) removeOld(ctx context.Context) {
	err := s.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM alerts WHERE at < ?`, s.Now().Add(-keep).UnixMicro())
		return err
	})
	if err != nil && ctx.Err() == nil {
		s.Log.Warn("old alerts cannot be removed; trying again later", "error", err)
	}
}

// List returns alerts, newest first: those of one tenant's principals, or all when
// tenant is empty. next is the cursor of the following page, empty on the last.
func (s *Service) List(ctx context.Context, tenant, cursor string, limit int) (items []Alert, next string, err error) {
	before := int64(1) << 62
	if cursor != "" {
		err := s.DB.QueryRowContext(ctx, `SELECT seq FROM alerts WHERE id = ? AND (? = '' OR tenant = ?)`, cursor, tenant, tenant).Scan(&before)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, "", privacy.Errorf(privacy.CodeInvalidRequest, "the cursor is not one that this list returned")
		}
		if err != nil {
			return nil, "", privacy.Internal(err, "reading alerts")
		}
	}
	rows, err := s.DB.QueryContext(ctx, `SELECT id, at, signal, principal, tenant, observed, limited, suspended FROM alerts
		WHERE seq < ? AND (? = '' OR tenant = ?) ORDER BY seq DESC LIMIT ?`, before, tenant, tenant, limit+1)
	if err != nil {
		return nil, "", privacy.Internal(err, "reading alerts")
	}
	defer rows.Close()
	for rows.Next() {
		var a Alert
		var at int64
		if err := rows.Scan(&a.ID, &at, &a.Signal, &a.Principal, &a.Tenant, &a.Observed, &a.Limit, &a.Suspended); err != nil {
			return nil, "", privacy.Internal(err, "reading alerts")
		}
		a.At = time.UnixMicro(at).UTC()
		if len(items) == limit {
			return items, items[limit-1].ID, nil
		}
		items = append(items, a)
	}
	if err := rows.Err(); err != nil {
		return nil, "", privacy.Internal(err, "reading alerts")
	}
	return items, "", nil
}
