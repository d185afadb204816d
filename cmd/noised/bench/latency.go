package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/blackbox"
)

// generous is a budget that no measurement spends.
var generous = wire.Loss{Epsilon: 1e6, Delta: 0.5}

// question is one of the sample's, with bounds as an analyst would choose them.
type question struct {
	name             string
	sql              string
	partitions, rows int64
}

var questions = []question{
	{"students_per_tenant", "SELECT tenant, COUNT(DISTINCT student) AS students FROM insteval GROUP BY tenant", 14, 1},
	{"mean_rating_by_service_and_lectage", "SELECT service, lectage, AVG(rating) AS mean_rating, COUNT(*) AS ratings FROM insteval GROUP BY service, lectage", 6, 4},
	{"ratings_per_lecturer", "SELECT lecturer, COUNT(*) AS ratings FROM insteval GROUP BY lecturer", 8, 1},
}

// request returns the question at an ε of its own, so that it is charged.
func (q question) request(i int) wire.QueryRequest {
	epsilon := 1 - 1e-9*float64(i)
	return wire.QueryRequest{
		SQL: q.sql, Epsilon: &epsilon,
		Bounds: &wire.QueryBounds{MaxPartitions: &q.partitions, MaxRowsPerPartition: &q.rows},
	}
}

// site starts a server with the sample loaded and budgets set.
func (b *bench) site(ctx context.Context, name string) (*blackbox.Server, *blackbox.Parties, error) {
	files, err := blackbox.Files(b.rows)
	if err != nil {
		return nil, nil, err
	}
	return b.siteOf(ctx, name, files)
}

// siteOf does so with other files, one per tenant.
func (b *bench) siteOf(ctx context.Context, name string, files map[string][]byte) (*blackbox.Server, *blackbox.Parties, error) {
	dir := filepath.Join(b.dir, name)
	operator, err := b.program.Init(ctx, dir)
	if err != nil {
		return nil, nil, err
	}
	s, err := b.program.Start(ctx, dir, "--request-rate", "1e6", "--request-burst", "100000")
	if err != nil {
		return nil, nil, err
	}
	p, err := blackbox.SetUp(ctx, s, operator, b.rules, b.rows.Tenants())
	if err == nil {
		err = p.SetBudgets(ctx, s, generous, generous)
	}
	if err == nil {
		_, err = p.Load(ctx, s, files)
	}
	if err != nil {
		return nil, nil, errors.Join(err, s.Kill())
	}
	return s, p, nil
}

// latencies measures what one client waits for.
func (b *bench) latencies(ctx context.Context) (err error) {
	s, p, err := b.site(ctx, "latency")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	api, err := s.API(p.Analyst)
	if err != nil {
		return err
	}
	plain, err := b.plainSQL(ctx)
	if err != nil {
		return err
	}
	for _, q := range questions {
		asked, err := measure(b.queries, func(i int) error { return ask(ctx, api, q.request(i), false) })
		if err != nil {
			return err
		}
		b.reportTimings("query_"+q.name, asked, plain[q.name])
		again := q.request(0)
		cached, err := measure(b.queries, func(int) error { return ask(ctx, api, again, true) })
		if err != nil {
			return err
		}
		b.reportTimings("query_again_"+q.name, cached, asked)
		explained, err := measure(b.queries, func(i int) error {
			_, err := api.Explain(ctx, q.request(i))
			return err
		})
		if err != nil {
			return err
		}
		b.reportTimings("explain_"+q.name, explained, asked)
	}
	return b.startUp(ctx, s)
}

// ask reads the whole answer, which must be fresh or not as expected.
func ask(ctx context.Context, api *wire.API, q wire.QueryRequest, cached bool) error {
	r, err := api.Query(ctx, q, wire.QueryOptions{})
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if r.Cached != cached {
		return fmt.Errorf("%s: cached %t, want %t", q.SQL, r.Cached, cached)
	}
	_, err = io.Copy(io.Discard, r.Body)
	return err
}

// startUp measures how long a second server on the loaded directory takes to
// answer, against the first one, whose directory was empty.
func (b *bench) startUp(ctx context.Context, first *blackbox.Server) error {
	var t timings
	for range 10 {
		s, err := b.program.Start(ctx, filepath.Join(b.dir, "latency"))
		if err != nil {
			return err
		}
		t = append(t, float64(s.Took.Microseconds())/1000)
		if err := s.Stop(); err != nil {
			return err
		}
	}
	b.report("start_up_median", t.quantile(0.5), "ms", float64(first.Took.Microseconds())/1000)
	return nil
}
