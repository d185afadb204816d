package order

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"github.com/noised/noised/ingest/build"
	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/privacy/keyring"
)

// Encryption has the keys of what an order of a tenant reads and writes, and no others.
// What it writes is the segment of that id (none where it is empty), and is encrypted
// where there are a keyring and the extension.
func (m *Maker) Encryption(ctx context.Context, tenant, id string, spec build.Spec) (segment.Encryption, error) {
	if !m.Keys.On() {
		return segment.Encryption{}, nil
	}
	e := segment.Encryption{Extension: m.CryptoExtension, Keys: map[string][]byte{}}
	for _, path := range spec.SegmentsRead() {
		key, err := m.keyAt(ctx, tenant, id, path)
		if err != nil {
			return segment.Encryption{}, err
		}
		if key != nil {
			e.Keys[path] = key
		}
	}
	if e.Extension == "" || id == "" {
		return e, nil
	}
	key, err := m.Keys.Key(ctx, nil, segmentScope(tenant, id))
	e.Keys[filepath.Join(spec.Dir, build.SegmentFile)] = key
	return e, err
}

// keyAt returns the key of a segment: of one that is published, by its path, or of
// one that this order's load has written and not published yet. It is nil if that is plain.
func (m *Maker) keyAt(ctx context.Context, tenant, id, path string) ([]byte, error) {
	scope := segmentScope(tenant, id)
	if relative, ok := strings.CutPrefix(path, m.Dir+string(filepath.Separator)); ok {
		if owner, named, is := segment.Named(filepath.ToSlash(relative)); is {
			scope = segmentScope(owner, named)
		}
	}
	key, err := m.Keys.Find(ctx, nil, scope)
	if errors.Is(err, keyring.ErrNoKey) {
		return nil, nil
	}
	return key, err
}

func segmentScope(tenant, id string) keyring.Scope {
	return keyring.Scope{Tenant: tenant, Name: segment.KeyName(id)}
}
