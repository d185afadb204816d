package job

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io"
	"os"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/ingest/owned"
	"github.com/noised/noised/privacy"
)

// records are all loads, for their tenants to read.
func (s *Service) records() owned.Records[record] {
	return owned.Records[record]{
		Find: func(ctx context.Context, condition string, args ...any) ([]record, error) {
			return find(ctx, s.o.DB, condition, args...)
		},
		Since: s.tenantSince, What: "load",
		Key: func(j *record) owned.Key {
			return owned.Key{Seq: j.seq, ID: j.ID, Tenant: j.Tenant, Since: j.tenantSince}
		},
	}
}

// Get returns one load of a tenant, or CodeNotFound.
func (s *Service) Get(ctx context.Context, tenant, id string) (Load, error) {
	j, err := s.get(ctx, tenant, id)
	return j.Load, err
}

func (s *Service) get(ctx context.Context, tenant, id string) (record, error) {
	j, err := s.records().Get(ctx, tenant, id)
	if err == nil {
		err = s.openIgnored(ctx, &j)
	}
	return j, err
}

// List returns the loads of a tenant, newest first: at most limit of them,
// after the one whose id is the cursor. next is the cursor of the following
// page, empty on the last.
func (s *Service) List(ctx context.Context, tenant, cursor string, limit int) (items []Load, next string, err error) {
	page, next, err := s.records().List(ctx, tenant, cursor, limit)
	if err != nil {
		return nil, "", err
	}
	items = make([]Load, len(page))
	for i := range page {
		if err := s.openIgnored(ctx, &page[i]); err != nil {
			return nil, "", err
		}
		items[i] = page[i].Load
	}
	return items, next, nil
}

// TenantsOf returns the tenant that owns a load; none for a public table's, for a
// load that there is not, and for that of a tenant which is no more.
func (s *Service) TenantsOf(ctx context.Context, id string) ([]string, error) {
	tenant, err := s.records().Owner(ctx, id)
	if err != nil || tenant == catalog.Public {
		return nil, err
	}
	return []string{tenant}, nil
}

// errCancelled is the cause of a context that Cancel ended.
var errCancelled = errors.New("the load was cancelled")

// Cancel ends a load that has not finished: from then on nothing of it can
// become visible. Cancelling a cancelled load changes nothing; one that has
// succeeded or failed is CodeConflict.
func (s *Service) Cancel(ctx context.Context, tenant, id string) (Load, error) {
	j, err := s.get(ctx, tenant, id)
	if err != nil {
		return Load{}, err
	}
	waiting := false
	err = s.o.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		found, err := find(ctx, tx, `id = ?`, id)
		if err != nil || len(found) == 0 || found[0].State == StateCancelled {
			return err
		}
		state := found[0].State
		if state.Finished() {
			return privacy.Errorf(privacy.CodeConflict, "the load has already %s", state)
		}
		waiting = state == StatePending
		return swap(ctx, tx, `UPDATE loads SET state = 'cancelled', finished_at = ? WHERE id = ? AND state = ?`, s.o.Now().UnixMicro(), id, state)
	})
	if err != nil {
		return Load{}, err
	}
	if waiting {
		s.dropUpload(ctx, j)
	}
	s.stop(id, errCancelled)
	return s.Get(ctx, tenant, id)
}

// Rejects returns the rejected rows of a load as NDJSON, one object with line,
// column, reason and value each; nothing for a load that has none, or none
// yet. They hold the tenant's own rows and are for its contributors only.
func (s *Service) Rejects(ctx context.Context, tenant, id string) (io.ReadCloser, error) {
	j, err := s.get(ctx, tenant, id)
	if err != nil {
		return nil, err
	}
	if err := s.resides(ctx, s.o.DB, j); err != nil {
		return nil, err
	}
	f, err := os.Open(s.rejectsPath(j.Tenant, j.ID))
	if errors.Is(err, os.ErrNotExist) {
		return io.NopCloser(bytes.NewReader(nil)), nil
	}
	if err != nil {
		return nil, privacy.Internal(err, "opening a reject file")
	}
	lines, err := s.o.Keys.OpenFile(ctx, rejectsScope(j), f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{lines, f}, nil
}
