package job

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"time"

	"github.com/noised/noised/ingest/build"
	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/keyring"
)

// encryption gives a worker the keys of what its order reads and writes, and no
// others. What it writes is encrypted where there are a keyring and the extension.
func (s *Service) encryption(ctx context.Context, j record, spec build.Spec) (segment.Encryption, error) {
	if !s.o.Keys.On() {
		return segment.Encryption{}, nil
	}
	e := segment.Encryption{Extension: s.o.CryptoExtension, Keys: map[string][]byte{}}
	for _, path := range spec.SegmentsRead() {
		key, err := s.keyAt(ctx, j, path)
		if err != nil {
			return segment.Encryption{}, err
		}
		if key != nil {
			e.Keys[path] = key
		}
	}
	if e.Extension == "" || j.segment == "" {
		return e, nil
	}
	key, err := s.o.Keys.Key(ctx, nil, segmentScope(j.Tenant, j.segment))
	e.Keys[filepath.Join(spec.Dir, build.SegmentFile)] = key
	return e, err
}

// keyAt returns the key of a segment: of one that is published, by its path, or of
// one that this load has written and not published yet. It is nil if that is plain.
func (s *Service) keyAt(ctx context.Context, j record, path string) ([]byte, error) {
	scope := segmentScope(j.Tenant, j.segment)
	if relative, ok := strings.CutPrefix(path, s.o.Dir+string(filepath.Separator)); ok {
		if tenant, id, is := segment.Named(filepath.ToSlash(relative)); is {
			scope = segmentScope(tenant, id)
		}
	}
	key, err := s.o.Keys.Find(ctx, nil, scope)
	if errors.Is(err, keyring.ErrNoKey) {
		return nil, nil
	}
	return key, err
}

func segmentScope(tenant, id string) keyring.Scope {
	return keyring.Scope{Tenant: tenant, Name: segment.KeyName(id)}
}

// unpublishedFor is how long the key of a segment stays that was not published. No
// load takes so long.
const unpublishedFor = 7 * 24 * time.Hour

// sweepKeys forgets the keys of segments that were never published.
func (s *Service) sweepKeys(ctx context.Context) error {
	before := s.o.Now().Add(-unpublishedFor).UnixMicro()
	return s.o.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM data_keys WHERE name LIKE 'segment:%' AND created_at < ?
			AND NOT EXISTS (SELECT 1 FROM segments WHERE id = substr(name, 9))`, before)
		if err != nil {
			return privacy.Internal(err, "forgetting keys")
		}
		return nil
	})
}
