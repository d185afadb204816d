package quota

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/translog"
)

// recheck is how long a process goes by what it has read of a tenant's quotas.
const recheck = 250 * time.Millisecond

// maxKept bounds how many tenants' quotas are kept in memory.
const maxKept = 10_000

// Service knows the quotas of tenants. It is safe for concurrent use.
type Service struct {
	db       *controldb.DB
	now      func() time.Time
	defaults Limits

	mu   sync.Mutex
	kept map[string]kept
}

type kept struct {
	limits Limits
	until  time.Time
}

// New returns the quotas in a control store, over those that hold where none are
// set.
func New(db *controldb.DB, now func() time.Time, defaults Limits) (*Service, error) {
	if err := defaults.Check(); err != nil {
		return nil, err
	}
	return &Service{db: db, now: now, defaults: defaults, kept: map[string]kept{}}, nil
}

// Of returns what a tenant may use. What was set holds within a quarter of a
// second, here and in other processes.
func (s *Service) Of(ctx context.Context, tenant string) (Limits, error) {
	now := s.now()
	s.mu.Lock()
	k, ok := s.kept[tenant]
	s.mu.Unlock()
	if ok && now.Before(k.until) {
		return k.limits, nil
	}
	own, err := read(ctx, s.db, tenant)
	if err != nil {
		return Limits{}, err
	}
	limits := own.Over(s.defaults)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.kept) >= maxKept {
		clear(s.kept)
	}
	s.kept[tenant] = kept{limits, now.Add(recheck)}
	return limits, nil
}

// Own returns what was set for a tenant, and the defaults that hold for the rest;
// CodeNotFound where there is no such tenant.
func (s *Service) Own(ctx context.Context, tenant string) (Own, Limits, error) {
	if err := exists(ctx, s.db, tenant); err != nil {
		return Own{}, Limits{}, err
	}
	own, err := read(ctx, s.db, tenant)
	return own, s.defaults, err
}

// Put sets the quotas of a tenant in place of those that were set before.
func (s *Service) Put(ctx context.Context, tenant string, own Own, by privacy.Principal) error {
	for _, k := range Kinds() {
		if own[k] == nil {
			continue
		}
		if err := check(k, *own[k]); err != nil {
			return err
		}
	}
	err := s.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := exists(ctx, tx, tenant); err != nil {
			return err
		}
		return write(ctx, tx, tenant, own, by, s.now())
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.kept, tenant)
	return err
}

// reader is what both the store and a transaction read through.
type reader interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func exists(ctx context.Context, r reader, tenant string) error {
	var one int
	err := r.QueryRowContext(ctx, `SELECT 1 FROM tenants WHERE name = ?`, tenant).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return privacy.Errorf(privacy.CodeNotFound, "there is no such tenant")
	}
	if err != nil {
		return privacy.Internal(err, "reading quotas")
	}
	return nil
}

func read(ctx context.Context, r reader, tenant string) (own Own, err error) {
	const doing = "reading quotas"
	rows, err := r.QueryContext(ctx, `SELECT quota, value FROM tenant_quotas WHERE tenant = ?`, tenant)
	if err != nil {
		return own, privacy.Internal(err, doing)
	}
	defer rows.Close()
	byName := map[string]Kind{}
	for _, k := range Kinds() {
		byName[k.String()] = k
	}
	for rows.Next() {
		var name string
		var value int64
		if err := rows.Scan(&name, &value); err != nil {
			return own, privacy.Internal(err, doing)
		}
		if k, known := byName[name]; known {
			own[k] = &value
		}
	}
	if err := rows.Err(); err != nil {
		return own, privacy.Internal(err, doing)
	}
	return own, nil
}

// act is the body of the leaf that says what a tenant's quotas are.
type act struct {
	Act    string           `json:"act"`
	Tenant string           `json:"tenant"`
	By     string           `json:"by"`
	Quotas map[string]int64 `json:"quotas"`
}

func write(ctx context.Context, tx *sql.Tx, tenant string, own Own, by privacy.Principal, at time.Time) error {
	const doing = "setting quotas"
	if _, err := tx.ExecContext(ctx, `DELETE FROM tenant_quotas WHERE tenant = ?`, tenant); err != nil {
		return privacy.Internal(err, doing)
	}
	set := map[string]int64{}
	for _, k := range Kinds() {
		if own[k] == nil {
			continue
		}
		set[k.String()] = *own[k]
		if _, err := tx.ExecContext(ctx, `INSERT INTO tenant_quotas (tenant, quota, value) VALUES (?, ?, ?)`, tenant, k.String(), *own[k]); err != nil {
			return privacy.Internal(err, doing)
		}
	}
	_, err := translog.Append(ctx, tx, translog.Leaf{Kind: translog.KindTenant, At: at, Body: act{"quotas", tenant, by.ID, set}})
	return err
}
