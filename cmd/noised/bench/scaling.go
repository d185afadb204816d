package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/noised/noised/cmd/noised/bench/internal/data"
	"github.com/noised/noised/cmd/noised/bench/internal/report"
	"github.com/noised/noised/cmd/noised/bench/internal/site"
)

// scaling measures how the ratio grows along one size at a time, around the
// middle: step rows, of a tenth as many units, at one tenant.
func (b *bench) scaling(ctx context.Context) error {
	middle := b.wide()
	middle.Rows, middle.Units = b.step, b.step/10
	return errors.Join(b.overRows(ctx, middle), b.overUnits(ctx, middle), b.overGroups(ctx, middle), b.overTenants(ctx, middle), b.overClients(ctx, middle))
}

const (
	whole = "no filter"
	half  = "half filtered"
)

// keyed is COUNT and SUM by a key, over all rows or half of them.
func keyed(series, key string, groups int64) shape {
	s := shape{
		ask:   site.Question{SQL: "SELECT " + key + ", COUNT(*) AS n, SUM(m) AS total FROM visits"},
		plain: "SELECT " + key + ", count(*), sum(m) FROM s0.rows", groups: int(groups),
	}
	if series == half {
		s.ask.SQL, s.plain = s.ask.SQL+" WHERE half = 1", s.plain+" WHERE half = 1"
	}
	s.ask.SQL, s.plain = s.ask.SQL+" GROUP BY "+key, s.plain+" GROUP BY "+key
	return s
}

// curve collects points, as they are measured.
type curve struct{ report.Curve }

func newCurve(name, title, x string) *curve {
	return &curve{report.Curve{
		Name: name, Title: title, XLabel: x, YLabel: "time over the plain query's",
		Series: []report.Series{{Name: whole}, {Name: half}},
	}}
}

// at measures both series at one place.
func (c *curve) at(ctx context.Context, x float64, ours, alone *stage, key string, groups int64) error {
	for i := range c.Series {
		s := keyed(c.Series[i].Name, key, groups)
		strategy, err := ours.service.Strategy(ctx, s.ask)
		if err != nil {
			return err
		}
		t, err := ours.alternate(ctx, ours.asking(s), func(ctx context.Context) error { return alone.plain.Exec(ctx, s.plain) })
		if err != nil {
			return err
		}
		f := report.Pairs(fmt.Sprintf("%s_%.0f", c.Name, x), "ms", t[0], t[1])
		f.Strategy, f.Note = strategy, c.Series[i].Name
		report.Line(ours.out, f)
		c.Series[i].Points = append(c.Series[i].Points, report.Point{X: x, Figure: f})
	}
	return nil
}

// curved keeps a curve, where it could be measured.
func (b *bench) curved(c *curve, err error) error {
	if err == nil {
		b.results.Curves = append(b.results.Curves, c.Curve)
	}
	return err
}

func (b *bench) overRows(ctx context.Context, middle data.Visits) error {
	c := newCurve("rows", "Rows: 50 keys, 10 rows per unit", "rows")
	for _, rows := range []int64{middle.Rows / 10, middle.Rows, b.total} {
		v := middle
		v.Rows, v.Units = rows, rows/10
		if err := b.stage(ctx, v, func(st *stage) error { return c.at(ctx, float64(rows), st, st, "k", data.Keys) }); err != nil {
			return err
		}
	}
	return b.curved(c, nil)
}

func (b *bench) overUnits(ctx context.Context, middle data.Visits) error {
	c := newCurve("units", fmt.Sprintf("Units: 50 keys, %d rows", middle.Rows), "units")
	for _, units := range []int64{middle.Rows / 1000, middle.Rows / 100, middle.Rows / 10, middle.Rows} {
		v := middle
		v.Units = units
		if err := b.stage(ctx, v, func(st *stage) error { return c.at(ctx, float64(units), st, st, "k", data.Keys) }); err != nil {
			return err
		}
	}
	return b.curved(c, nil)
}

func (b *bench) overGroups(ctx context.Context, middle data.Visits) error {
	c := newCurve("groups", fmt.Sprintf("Declared groups: %d rows", middle.Rows), "groups")
	err := b.stage(ctx, middle, func(st *stage) error {
		return errors.Join(c.at(ctx, data.Keys, st, st, "k", data.Keys), c.at(ctx, float64(middle.Mids), st, st, "mid", middle.Mids))
	})
	if err != nil {
		return err
	}
	most := b.celled()
	most.Rows, most.Units = middle.Rows, middle.Units
	return b.curved(c, b.stage(ctx, most, func(st *stage) error { return c.at(ctx, float64(most.Cells), st, st, "cell", most.Cells) }))
}

// overTenants has the plain query read one file of as many rows.
func (b *bench) overTenants(ctx context.Context, middle data.Visits) error {
	c := newCurve("tenants", fmt.Sprintf("Tenants, scope tenant: %d rows in all", middle.Rows), "tenants")
	middle.Mids, middle.Secrets, middle.Scope = 0, 0, "tenant"
	return b.curved(c, b.stage(ctx, middle, func(alone *stage) error {
		if err := c.at(ctx, 1, alone, alone, "k", data.Keys); err != nil {
			return err
		}
		for _, tenants := range []int{10, 100} {
			v := middle
			v.Tenants = tenants
			if err := b.stage(ctx, v, func(st *stage) error { return c.at(ctx, float64(tenants), st, alone, "k", data.Keys) }); err != nil {
				return err
			}
		}
		return nil
	}))
}

// overClients asks through REST, and the plain engine by as many connections.
func (b *bench) overClients(ctx context.Context, middle data.Visits) error {
	c := &curve{report.Curve{
		Name: "clients", Title: fmt.Sprintf("Clients at a time: 50 keys, %d rows", middle.Rows/10), XLabel: "clients",
		YLabel: "time over the plain query's", Series: []report.Series{{Name: whole}, {Name: half}},
	}}
	middle.Rows, middle.Units = middle.Rows/10, middle.Units/10 // that of the curve of rows
	return b.curved(c, b.stage(ctx, middle, func(st *stage) error {
		for i := range c.Series {
			for _, clients := range []int{1, 4, 16, 64} {
				s := keyed(c.Series[i].Name, "k", data.Keys)
				f, err := st.crowd(ctx, s, clients)
				if err != nil {
					return err
				}
				f.Name, f.Note = fmt.Sprintf("clients_%d", clients), c.Series[i].Name
				report.Line(b.out, f)
				c.Series[i].Points = append(c.Series[i].Points, report.Point{X: float64(clients), Figure: f})
			}
		}
		return nil
	}))
}

// crowd times one answer of many clients at a time: the time of all of them,
// over their number.
func (st *stage) crowd(ctx context.Context, s shape, clients int) (report.Figure, error) {
	strategy, err := st.service.Strategy(ctx, s.ask)
	if err != nil {
		return report.Figure{}, err
	}
	var ours, theirs timings
	for range 3 {
		for _, side := range []struct {
			one work
			to  *timings
		}{
			{func(ctx context.Context) error { return st.client.Ask(ctx, s.ask) }, &ours},
			{func(ctx context.Context) error { return st.plain.Exec(ctx, s.plain) }, &theirs},
		} {
			took, err := together(ctx, clients, side.one)
			if err != nil {
				return report.Figure{}, err
			}
			*side.to = append(*side.to, took)
		}
	}
	f := report.Pairs("", "ms", ours, theirs)
	f.Strategy = strategy
	return f, nil
}

// together has clients do their work again and again, until a hundred and
// twenty-eight pieces are done, and returns the milliseconds of one.
func together(ctx context.Context, clients int, one work) (float64, error) {
	const pieces = 128
	began := time.Now()
	faults := make([]error, clients)
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			for range pieces / clients {
				if faults[i] = one(ctx); faults[i] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	return milliseconds(time.Since(began)) / pieces, errors.Join(faults...)
}
