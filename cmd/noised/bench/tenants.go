package main

import (
	"context"
	"errors"
	"io/fs"

	"github.com/noised/noised/cmd/noised/bench/internal/plain"
	"github.com/noised/noised/cmd/noised/bench/internal/report"
	"github.com/noised/noised/cmd/noised/bench/internal/site"
)

// streaming is asked of many tenants and of one. Its filter keeps every row, and
// so makes both sides stream.
const streaming = "SELECT k, COUNT(*) AS n, SUM(m) AS total FROM visits WHERE half IN (0, 1) GROUP BY k"

// tenants measures what it costs that the rows lie with several tenants.
func (b *bench) tenants(ctx context.Context) error {
	return errors.Join(b.fewTenants(ctx), b.manyTenants(ctx))
}

// fewTenants compares units that have rows at every tenant with the same rows at
// one.
func (b *bench) fewTenants(ctx context.Context) error {
	question := site.Question{SQL: streaming}
	return b.stage(ctx, b.narrow(b.few, "person"), func(split *stage) error {
		return b.stage(ctx, b.narrow(1, "person"), func(alone *stage) error {
			strategy, err := split.service.Strategy(ctx, question)
			if err != nil {
				return err
			}
			of := func(st *stage) work {
				return func(ctx context.Context) error { _, err := st.service.Ask(ctx, question); return err }
			}
			t, err := b.alternate(ctx, of(split), of(alone))
			if err != nil {
				return err
			}
			f := report.Pairs("person_scope_14", "ms", t[0], t[1])
			f.Strategy = strategy
			b.add(f)
			return nil
		})
	})
}

// manyTenants compares many small files with the plain query on one of all rows.
func (b *bench) manyTenants(ctx context.Context) error {
	return b.stage(ctx, b.narrow(1, "person"), func(alone *stage) error {
		s, err := b.sites.Open(ctx, b.narrow(b.many, "tenant").Spec())
		if err != nil {
			return err
		}
		if err := b.cold(ctx, s, alone); err != nil {
			return err
		}
		if err := b.warm(ctx, s, alone); err != nil {
			return err
		}
		return b.resident(ctx, s, alone)
	})
}

// plainKeys is what is asked of one file, without privacy.
func (st *stage) plainKeys(ctx context.Context) error {
	return st.plain.Exec(ctx, st.shapes()[0].plain)
}

func (b *bench) warm(ctx context.Context, s *site.Site, alone *stage) (err error) {
	v, err := s.Serve(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	keys := b.shapes()[0]
	all := &stage{bench: b, service: v}
	strategy, err := v.Strategy(ctx, keys.ask)
	if err != nil {
		return err
	}
	three := keys
	three.ask.Tenants = s.Tenants[:3]
	t, err := b.alternate(ctx, all.asking(keys), alone.plainKeys, all.asking(three))
	if err != nil {
		return err
	}
	f := report.Pairs("tenants_1000", "ms", t[0], t[1])
	f.Strategy = strategy
	b.add(f)
	f = report.Pairs("tenants_3_of_1000", "ms", t[2], t[0])
	f.Note = "a query that names three tenants, over one of all"
	b.add(f)
	return nil
}

// cold asks services that have just been opened, beside a plain engine that has
// just been: every file is attached anew. The system's cache of files is warm.
func (b *bench) cold(ctx context.Context, s *site.Site, alone *stage) error {
	keys := b.shapes()[0]
	paths, err := alone.service.Segments(ctx, b.narrow(1, "person").Spec().Tenants[0], "")
	if err != nil {
		return err
	}
	t, err := alternate(ctx, 3, func(ctx context.Context) (err error) {
		v, err := s.Serve(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, v.Close()) }()
		_, err = v.Ask(ctx, keys.ask)
		return err
	}, func(ctx context.Context) (err error) {
		db, err := plain.OpenSegments(ctx, b.cache, paths...)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, db.Close()) }()
		return db.Exec(ctx, keys.plain)
	})
	if err != nil {
		return err
	}
	f := report.Pairs("tenants_1000_cold", "ms", t[0], t[1])
	f.Note = "the first query of a process, its start included"
	b.add(f)
	return nil
}

// resident compares the memory of two fresh servers that answer the same
// question a few times, one of many tenants and one of one.
func (b *bench) resident(ctx context.Context, s *site.Site, alone *stage) error {
	peak := func(s *site.Site) (mb float64, err error) {
		c, err := s.Start(ctx)
		if err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, c.Close()) }()
		for range 3 {
			if err := c.Ask(ctx, b.shapes()[0].ask); err != nil {
				return 0, err
			}
		}
		bytes, err := c.Server.Resident()
		return float64(bytes) / 1e6, err
	}
	many, err := peak(s)
	if errors.Is(err, fs.ErrNotExist) {
		b.add(report.Figure{Name: "tenants_1000_memory", Missing: "this system does not tell the memory of a process"})
		return nil
	}
	if err != nil {
		return err
	}
	one, err := peak(alone.site)
	if err != nil {
		return err
	}
	b.add(report.Figure{Name: "tenants_1000_memory", Value: max(many-one, 0), Unit: "MB", Baseline: memoryGoal, Ratio: max(many-one, 0) / memoryGoal})
	b.report("tenants_1000_resident", many, "MB", one)
	return nil
}
