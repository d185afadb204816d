package site

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/engine/duckdb"
	"github.com/noised/noised/analytics/query"
	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/analytics/sqlparse"
	"github.com/noised/noised/api/rest/operation"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/blackbox"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/keyring"
	"github.com/noised/noised/privacy/ledger"
	"github.com/noised/noised/privacy/policy"
)

// Question is what is asked. Bounds of 0 are the contract's.
type Question struct {
	SQL                 string
	MaxPartitions       int64
	MaxRowsPerPartition int64
	Tenants             []string
}

// epsilon returns one that no question of this run had, or the answer would be
// a stored release.
func (s *Site) epsilon() float64 { return 1 - 1e-9*float64(s.asked.Add(1)) }

// Service answers questions in this process: what a user pays but for HTTP.
type Service struct {
	site    *Site
	queries *query.Service
	catalog *catalog.Catalog
	closers []func() error
}

// Serve opens the product's own packages over the directory, wired as the
// server wires them.
func (s *Site) Serve(ctx context.Context) (v *Service, err error) {
	v = &Service{site: s}
	defer func() {
		if err != nil {
			err = errors.Join(err, v.Close())
			v = nil
		}
	}()
	db, err := controldb.Open(ctx, filepath.Join(s.Dir, controlFile))
	if err != nil {
		return v, err
	}
	v.closers = append(v.closers, db.Close)
	parser, err := sqlparse.New()
	if err != nil {
		return v, err
	}
	v.closers = append(v.closers, parser.Close)
	spill := filepath.Join(s.Dir, "tmp")
	if err := os.MkdirAll(spill, 0o700); err != nil {
		return v, err
	}
	engine, err := duckdb.New(duckdb.Options{TempDir: spill})
	if err != nil {
		return v, err
	}
	v.closers = append(v.closers, engine.Close)
	keys, err := openKeys(db, s.Dir)
	if err != nil {
		return v, err
	}
	v.catalog = catalog.New(db, time.Now).WithKeys(keys)
	policies, err := openPolicies(ctx, db)
	if err != nil {
		return v, err
	}
	v.queries = query.New(query.Options{
		Policies: policies, DB: db, Catalog: v.catalog, Ledger: ledger.New(db, time.Now), Store: release.New(db).WithKeys(keys), Keys: keys, Parser: parser, Engine: engine,
		DataDir: s.Dir, Log: slog.New(slog.DiscardHandler), Now: time.Now, Timeout: 20 * time.Minute,
	})
	v.closers = append(v.closers, func() error { return v.queries.Close(context.Background()) })
	return v, nil
}

// openKeys opens the keyset beside a directory. Directories from before there were
// any have none.
func openKeys(db *controldb.DB, dir string) (*keyring.Ring, error) {
	path := dir + ".keyset"
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return keyring.New(db, nil, time.Now), nil
	}
	keyset, err := keyring.OpenFile(path, dir)
	if err != nil {
		return nil, err
	}
	return keyring.New(db, keyset, time.Now), nil
}

// openPolicies puts the defaults in force, as in a server that was told nothing.
func openPolicies(ctx context.Context, db *controldb.DB) (*policy.Service, error) {
	schema, err := operation.PolicySchema()
	if err != nil {
		return nil, err
	}
	return policy.Open(ctx, policy.Options{DB: db, Schema: schema, Log: slog.New(slog.DiscardHandler), Now: time.Now})
}

// Close closes everything, the last opened first.
func (v *Service) Close() error {
	var errs []error
	for i := len(v.closers) - 1; i >= 0; i-- {
		errs = append(errs, v.closers[i]())
	}
	return errors.Join(errs...)
}

// analyst is who asks in this process.
var analyst = privacy.Principal{ID: "key_bench", Role: privacy.RoleAnalyst}

func (v *Service) request(q Question) question.Request {
	epsilon := v.site.epsilon()
	return question.Request{
		SQL: q.SQL, Epsilon: &epsilon, Tenants: q.Tenants,
		MaxPartitions: positive(q.MaxPartitions), MaxRowsPerPartition: positive(q.MaxRowsPerPartition),
	}
}

// Ask pays for one answer and returns its number of rows.
func (v *Service) Ask(ctx context.Context, q Question) (int, error) {
	answer, err := v.queries.Query(ctx, analyst, v.request(q))
	if err != nil {
		return 0, explain(err)
	}
	if answer.Cached {
		return 0, fmt.Errorf("a stored release is no measurement")
	}
	return answer.Table.Rows(), nil
}

// Strategy is how contributions to a question are bounded, as EXPLAIN names it.
func (v *Service) Strategy(ctx context.Context, q Question) (string, error) {
	x, err := v.queries.Explain(ctx, analyst, v.request(q))
	if err != nil {
		return "", explain(err)
	}
	return x.Strategy, nil
}

// Segments lists the files of one tenant's table.
func (v *Service) Segments(ctx context.Context, tenant, table string) ([]string, error) {
	g, _, err := v.catalog.Head(ctx, v.site.Dataset, tenant)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, s := range g.Of(table) {
		paths = append(paths, filepath.Join(v.site.Dir, s.Path))
	}
	return paths, nil
}

// explain adds what an error keeps from users; the benchmark's is its own.
func explain(err error) error {
	if e := privacy.AsError(err); e.Cause != nil {
		return fmt.Errorf("%w: %w", err, e.Cause)
	}
	return err
}

// Client asks a server through REST.
type Client struct {
	site   *Site
	Server *blackbox.Server
	api    *wire.API
}

// Start starts the built program on the directory.
func (s *Site) Start(ctx context.Context) (*Client, error) {
	server, err := s.program.Start(ctx, s.Dir, flags...)
	if err != nil {
		return nil, err
	}
	api, err := server.API(s.Analyst)
	if err != nil {
		return nil, errors.Join(err, server.Kill())
	}
	return &Client{s, server, api}, nil
}

// Close stops the server.
func (c *Client) Close() error { return c.Server.Stop() }

// Ask pays for one answer and reads all of it.
func (c *Client) Ask(ctx context.Context, q Question) error {
	epsilon := c.site.epsilon()
	r, err := c.api.Query(ctx, wire.QueryRequest{
		SQL: q.SQL, Epsilon: &epsilon, Tenants: q.Tenants,
		Bounds: &wire.QueryBounds{MaxPartitions: positive(q.MaxPartitions), MaxRowsPerPartition: positive(q.MaxRowsPerPartition)},
	}, wire.QueryOptions{})
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if r.Cached {
		return fmt.Errorf("a stored release is no measurement")
	}
	_, err = io.Copy(io.Discard, r.Body)
	return err
}

// positive returns nil for 0.
func positive(n int64) *int64 {
	if n == 0 {
		return nil
	}
	return &n
}
