package server

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/noised/noised/analytics/engine/duckdb/attached"
	"github.com/noised/noised/cmd/noised/internal/atrest"
	"github.com/noised/noised/cmd/noised/internal/datadir"
	"github.com/noised/noised/cmd/noised/internal/screen"
	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/keyring"
)

// openKeys opens the keyring and says what is not encrypted.
func (m *Main) openKeys(ctx context.Context, p *parts, db *controldb.DB) (err error) {
	c := m.Config
	if p.ring, err = atrest.OpenRing(ctx, db, c.Keyset, c.DataDir); err != nil {
		return fmt.Errorf("refusing to serve: %w", err)
	}
	if p.ring.On() { // so that the loss of the keyset is noticed before anything is sealed
		if _, err := p.ring.Key(ctx, nil, keyring.Scope{Name: "keyset"}); err != nil {
			return fmt.Errorf("refusing to serve: %w", err)
		}
	}
	if c.CryptoExtension != "" {
		if err := attached.CheckExtension(c.CryptoExtension); err != nil {
			return fmt.Errorf("refusing to load --crypto-extension %s: %w", c.CryptoExtension, err)
		}
	}
	if p.ring.On() && c.CryptoExtension != "" {
		p.crypto, err = filepath.Abs(c.CryptoExtension)
		m.Log.Info("what is at rest is encrypted", "keyset", atrest.KeysetPath(c.Keyset, c.DataDir))
		return err
	}
	lacks := "data files and their temporary files are not encrypted: name DuckDB's httpfs extension with --crypto-extension FILE"
	if !p.ring.On() {
		lacks = "nothing at rest is encrypted: there is no keyset. Make one with: noised keyring init --data-dir " + screen.Quote(c.DataDir)
	}
	if c.RequireEncryption {
		return fmt.Errorf("refusing to serve, for --require-encryption is given and %s", lacks)
	}
	m.Log.Warn(lacks)
	return nil
}

// segmentKeys tells the engine the keys of segments by their paths.
func (m *Main) segmentKeys(ring *keyring.Ring) func(ctx context.Context, path string) ([]byte, error) {
	root := m.Config.DataDir + string(filepath.Separator)
	return func(ctx context.Context, path string) ([]byte, error) {
		relative, within := strings.CutPrefix(path, root)
		tenant, id, is := segment.Named(filepath.ToSlash(relative))
		if !within || !is || !ring.On() {
			return nil, nil
		}
		key, err := ring.Find(ctx, nil, segmentScope(tenant, id))
		if errors.Is(err, keyring.ErrNoKey) {
			return nil, nil
		}
		return key, err
	}
}

func segmentScope(tenant, id string) keyring.Scope {
	return keyring.Scope{Tenant: tenant, Name: segment.KeyName(id)}
}

// sealPlain seals at start what was stored plain before.
func (m *Main) sealPlain(ctx context.Context, s atrest.Sealer) error {
	n, err := s.Run(ctx)
	if privacy.CodeOf(err) == privacy.CodeUnavailable {
		m.Log.Warn("what was stored in clear before there was a keyset is not sealed yet: another program uses the data directory. The next start alone tries again")
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot seal what was stored in clear: %w", datadir.Shown(err))
	}
	if n > 0 {
		m.Log.Info("what was stored in clear is sealed now", "values", n)
	}
	return nil
}
