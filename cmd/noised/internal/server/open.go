package server

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/noised/noised/analytics/engine/duckdb"
	"github.com/noised/noised/analytics/sqlparse"
	"github.com/noised/noised/api/rest/operation"
	"github.com/noised/noised/cmd/noised/internal/datadir"
	"github.com/noised/noised/cmd/noised/internal/witness"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/policy"
)

// openStore opens the control store, unless it is older than what is known of it.
func (m *Main) openStore(ctx context.Context, p *parts) (*controldb.DB, error) {
	path, dir := m.Config.HighWaterFile, m.Config.DataDir
	mark, err := witness.OpenMark(path, dir)
	if err != nil {
		return nil, err
	}
	db, err := datadir.OpenStore(ctx, dir)
	if err != nil {
		return nil, err
	}
	p.closers = append(p.closers, db.Close)
	if err := witness.MarkKept(ctx, mark, path, dir); err != nil {
		return db, err
	}
	if err := witness.Guard(ctx, db, mark, path, dir); err != nil {
		return db, err
	}
	if err := witness.Settle(path, dir); err != nil {
		return db, err
	}
	if err := m.openKeys(ctx, p, db); err != nil {
		return db, err
	}
	return db, m.openLogKey(ctx, p, db)
}

// openEngine starts what reads SQL and what runs plans.
func (m *Main) openEngine(p *parts) (*sqlparse.Parser, *duckdb.Engine, error) {
	c := m.Config
	parser, err := sqlparse.New()
	if err != nil {
		return nil, nil, fmt.Errorf("cannot start the parser: %w", err)
	}
	p.closers = append(p.closers, parser.Close)
	spill := filepath.Join(c.DataDir, datadir.TmpDir)
	if err := os.MkdirAll(spill, 0o700); err != nil {
		return nil, nil, fmt.Errorf("cannot make the directory for temporary files: %w", err)
	}
	engine, err := duckdb.New(duckdb.Options{MemoryLimitMB: c.QueryMemoryMB, Threads: c.QueryThreads, TempDir: spill,
		Extension: p.crypto, Key: m.segmentKeys(p.ring)})
	if err != nil {
		return nil, nil, fmt.Errorf("cannot start the engine: %w", err)
	}
	p.closers, p.engine = append(p.closers, engine.Close), engine
	return parser, engine, nil
}

// openPolicies puts the policies in force that the directory, the API or nobody has
// set.
func (m *Main) openPolicies(ctx context.Context, db *controldb.DB) (*policy.Service, error) {
	schema, err := operation.PolicySchema()
	if err != nil {
		return nil, err
	}
	return policy.Open(ctx, policy.Options{DB: db, Schema: schema, Log: m.Log, Now: time.Now, Dir: m.Config.PolicyDir, Region: m.Config.Region})
}
