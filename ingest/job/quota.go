package job

import (
	"context"
	"database/sql"
	"io"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/quota"
	"github.com/noised/noised/ingest/region"
	"github.com/noised/noised/privacy"
)

// Quotas.
//
// What a tenant stores is the files of its data in force and its uploads whose
// loads have not ended. It is held against the quota before an upload begins (by
// its announced length), while bytes come, when the upload is recorded, and when a
// load publishes. Files of replaced data wait for their removal beside that, and
// may take as much again, so that replacing over and over cannot fill the disk.

// Quotas tells what a tenant may use.
type Quotas interface {
	Of(ctx context.Context, tenant string) (quota.Limits, error)
}

// limits returns what a tenant may use; everything for public tables, which are
// the operator's.
func (s *Service) limits(ctx context.Context, tenant string) (quota.Limits, error) {
	if s.o.Quotas == nil || tenant == catalog.Public {
		return quota.None(), nil
	}
	return s.o.Quotas.Of(ctx, tenant)
}

// reader is what both the store and a transaction read through.
type reader interface {
	querier
	region.Rower
}

// uses is what a tenant has in use.
type uses struct {
	data    int64 // bytes of data in force
	files   int64 // bytes of these, and of files that were replaced by loads
	uploads int64 // bytes of uploads whose loads have not ended
	waiting int64 // loads
}

func (s *Service) used(ctx context.Context, from reader, tenant string) (u uses, err error) {
	if u.data, u.files, err = s.o.Catalog.Stored(ctx, from, tenant); err != nil {
		return u, err
	}
	err = from.QueryRowContext(ctx, `SELECT coalesce(sum(bytes), 0), coalesce(sum(state = 'pending'), 0) FROM loads
		WHERE state IN ('pending', 'running') AND tenant = ?`, tenant).Scan(&u.uploads, &u.waiting)
	if err != nil {
		return u, privacy.Internal(err, "reading what is in use")
	}
	return u, nil
}

// room returns how many bytes an upload may have, or refuses it; MaxUpload where
// no quota says less. A load that is sent again changes nothing, and so may have as
// many as it had.
func (s *Service) room(ctx context.Context, from reader, j record, l quota.Limits) (int64, error) {
	if l == quota.None() {
		return s.o.MaxUpload, nil
	}
	earlier, err := sentBefore(ctx, from, j)
	if err != nil || len(earlier) > 0 {
		if err == nil {
			return min(s.o.MaxUpload, earlier[0].Bytes), nil
		}
		return 0, err
	}
	u, err := s.used(ctx, from, j.Tenant)
	if err != nil {
		return 0, err
	}
	if !l.Admits(quota.LoadsWaiting, u.waiting+1) {
		return 0, l.Exceeded(quota.LoadsWaiting)
	}
	most := l[quota.StoredBytes]
	if most == quota.Unlimited {
		return s.o.MaxUpload, nil
	}
	if j.Write == WriteReplace {
		old, err := s.replaces(ctx, j)
		if err != nil {
			return 0, err
		}
		u.data -= old
	}
	left := min(most-u.data, 2*most-u.files) - u.uploads
	if left <= 0 {
		return 0, l.Exceeded(quota.StoredBytes)
	}
	return min(s.o.MaxUpload, left), nil
}

// replaces returns the bytes of data in force that a load would replace.
func (s *Service) replaces(ctx context.Context, j record) (bytes int64, err error) {
	g, _, err := s.o.Catalog.Head(ctx, j.Dataset, j.Tenant)
	for _, seg := range g.Of(j.Table) {
		bytes += seg.Bytes
	}
	return bytes, err
}

// metered reads an upload for as long as it has room, beside the others of its
// tenant that arrive.
type metered struct {
	body    io.Reader
	s       *Service
	tenant  string
	room    int64
	limits  quota.Limits
	counted int64
}

// Read implements io.Reader.
func (m *metered) Read(p []byte) (int, error) {
	n, err := m.body.Read(p)
	limit := m.room
	if limit >= m.s.o.MaxUpload { // no quota says less
		limit = quota.Unlimited
	}
	if n > 0 && !m.s.arriving.Take(m.tenant, int64(n), limit) {
		return 0, m.limits.Exceeded(quota.StoredBytes)
	}
	m.counted += int64(n)
	return n, err
}

// done forgets what has arrived: it is on record now, or gone.
func (m *metered) done() { m.s.arriving.Add(m.tenant, -m.counted) }

// fits holds what a tenant stores against its quota once a load has published, in
// its transaction. Who stores too much already may still store less.
func (s *Service) fits(ctx context.Context, tx *sql.Tx, tenant string, before int64) error {
	l, err := s.limits(ctx, tenant)
	if err != nil || l[quota.StoredBytes] == quota.Unlimited {
		return err
	}
	now, _, err := s.o.Catalog.Stored(ctx, tx, tenant)
	if err == nil && now > before && !l.Admits(quota.StoredBytes, now) {
		return l.Exceeded(quota.StoredBytes)
	}
	return err
}
