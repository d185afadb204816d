package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/noised/noised/cmd/noised/bench/internal/data"
	"github.com/noised/noised/cmd/noised/bench/internal/plain"
	"github.com/noised/noised/cmd/noised/bench/internal/report"
	"github.com/noised/noised/cmd/noised/bench/internal/site"
)

// shape is a question of the generated rows, and what it is compared with: the
// plain SQL on the segment file that the question reads.
type shape struct {
	name   string
	ask    site.Question
	plain  string
	groups int // that the answer must have; 0 where noise decides
}

func (s *sizes) shapes() []shape {
	const counts, plain = "COUNT(*) AS n, SUM(m) AS total", "count(*), sum(m)"
	return []shape{
		{"groupby_bounded", site.Question{SQL: "SELECT k, " + counts + " FROM visits GROUP BY k"}, "SELECT k, " + plain + " FROM s0.rows GROUP BY k", data.Keys},
		{"groupby_units", site.Question{SQL: "SELECT k, " + counts + ", COUNT(DISTINCT person) AS people FROM visits GROUP BY k"}, "SELECT k, " + plain + " FROM s0.rows GROUP BY k", data.Keys},
		{"groupby_filtered", site.Question{SQL: "SELECT k, " + counts + " FROM visits WHERE half = 1 GROUP BY k"}, "SELECT k, " + plain + " FROM s0.rows WHERE half = 1 GROUP BY k", data.Keys},
		{"total_clamp", site.Question{SQL: "SELECT " + counts + " FROM visits"}, "SELECT " + plain + " FROM s0.rows", 1},
		{"secret_keys_100k", site.Question{SQL: "SELECT secret, " + counts + " FROM visits GROUP BY secret"}, "SELECT secret, " + plain + " FROM s0.rows GROUP BY secret", 0},
	}
}

func (s *sizes) manyGroups() shape {
	return shape{"noise_1m", site.Question{SQL: "SELECT cell, COUNT(*) AS n FROM visits GROUP BY cell"}, "SELECT cell, count(*) FROM s0.rows GROUP BY cell", int(s.cells)}
}

// rewrite is how a unit's contribution is bounded in SQL alone: at most 10 rows
// in each of at most 5 keys, both chosen at random.
const rewrite = `
WITH numbered AS (SELECT _unit, k, m, row_number() OVER (PARTITION BY _unit, k ORDER BY random()) AS r FROM s0.rows),
     summed AS (SELECT _unit, k, count(*) AS n, sum(greatest(least(m, 1000), 0)) AS total FROM numbered WHERE r <= 10 GROUP BY _unit, k),
     chosen AS (SELECT k, n, total, row_number() OVER (PARTITION BY _unit ORDER BY random()) AS r FROM summed)
SELECT k, sum(n), sum(total) FROM chosen WHERE r <= 5 GROUP BY k`

// bounded measures questions about the rows of one tenant.
func (b *bench) bounded(ctx context.Context) error {
	err := b.stage(ctx, b.wide(), func(st *stage) error {
		for _, s := range b.shapes() {
			if err := st.compare(ctx, s); err != nil {
				return err
			}
		}
		return st.compareRewrite(ctx)
	})
	if err != nil {
		return err
	}
	if err := b.stage(ctx, b.celled(), func(st *stage) error { return st.compare(ctx, b.manyGroups()) }); err != nil {
		return err
	}
	once := b.narrow(1, "person")
	once.OneRow, once.Units = true, once.Rows
	return b.stage(ctx, once, func(st *stage) error {
		s := b.shapes()[0]
		s.name = "groupby_contract"
		return st.compare(ctx, s)
	})
}

// stage is a site that is asked both ways, with the plain engine on its first
// tenant's file beside.
type stage struct {
	*bench
	site    *site.Site
	service *site.Service
	client  *site.Client
	plain   *plain.DB
}

// stage opens the site of the rows while act runs.
func (b *bench) stage(ctx context.Context, v data.Visits, act func(*stage) error) (err error) {
	s, err := b.sites.Open(ctx, v.Spec())
	if err != nil {
		return err
	}
	st := &stage{bench: b, site: s}
	if st.client, err = s.Start(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.client.Close()) }()
	if st.service, err = s.Serve(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.service.Close()) }()
	paths, err := st.service.Segments(ctx, s.Tenants[0], "")
	if err != nil {
		return err
	}
	if len(paths) != 1 {
		return fmt.Errorf("one load made %d segments", len(paths))
	}
	if st.plain, err = plain.OpenSegments(ctx, b.cache, paths...); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.plain.Close()) }()
	return act(st)
}

// asking asks in this process.
func (st *stage) asking(s shape) work {
	return func(ctx context.Context) error {
		n, err := st.service.Ask(ctx, s.ask)
		if err == nil && s.groups > 0 && n != s.groups {
			err = fmt.Errorf("%s: %d groups, want %d", s.ask.SQL, n, s.groups)
		}
		return err
	}
}

// compare adds a shape's figure: asked in process, and beside it through REST,
// of the same alternation.
func (st *stage) compare(ctx context.Context, s shape) error {
	strategy, err := st.service.Strategy(ctx, s.ask)
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	t, err := st.alternate(ctx, st.asking(s),
		func(ctx context.Context) error { return st.plain.Exec(ctx, s.plain) },
		func(ctx context.Context) error { return st.client.Ask(ctx, s.ask) })
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	f := report.Pairs(s.name, "ms", t[0], t[1])
	f.Strategy = strategy
	st.add(f)
	f = report.Pairs(s.name+"_rest", "ms", t[2], t[1])
	f.Note = "the same through the server and REST"
	st.add(f)
	return nil
}

// compareRewrite asks the first shape beside its rewrite, which takes so long
// that it is run twice and not warmed up.
func (st *stage) compareRewrite(ctx context.Context) error {
	s := st.shapes()[0]
	strategy, err := st.service.Strategy(ctx, s.ask)
	if err != nil {
		return err
	}
	t, err := alternate(ctx, 2, st.asking(s), func(ctx context.Context) error { return st.plain.Exec(ctx, rewrite) })
	if err != nil {
		return err
	}
	f := report.Pairs("ours_over_sql_rewrite", "ms", t[0], t[1])
	f.Strategy = strategy
	st.add(f)
	return nil
}
