package bounding

import (
	"context"
	"slices"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// row is one row of a test: its unit, the value of its one key and, for the
// sum, its centred steps.
type row struct {
	unit  uint64
	key   int64
	value int64
}

// wide is a row with what it adds to each draw, or Absent.
type wide struct {
	unit   uint64
	key    int64
	values []int64
}

// sliceStream streams rows in batches of a given size.
type sliceStream struct {
	rows    []wide
	size    int
	plan    *plan.Bound
	numbers map[int64]int32
}

func (s *sliceStream) Next(ctx context.Context) (*Batch, error) {
	if err := ctx.Err(); err != nil || len(s.rows) == 0 {
		return nil, err
	}
	n := min(max(s.size, 1), len(s.rows))
	b := &Batch{Values: make([][]int64, len(s.rows[0].values))}
	for _, r := range s.rows[:n] {
		b.Units = append(b.Units, r.unit)
		for d, v := range r.values {
			b.Values[d] = append(b.Values[d], v)
		}
		key := int32(r.key)
		if s.plan.Secret() {
			number, known := s.numbers[r.key]
			if !known {
				number = int32(len(s.numbers))
				s.numbers[r.key] = number
				b.Learned = append(b.Learned, []plan.Value{bigintValue(r.key)})
			}
			key = number
		} else if r.key >= keys {
			key = -1
		}
		b.Keys = append(b.Keys, key)
	}
	for d, values := range b.Values {
		counts := s.plan.Draws[d].Kind == plan.DrawRows || s.plan.Draws[d].Kind == plan.DrawUnits
		if counts && !slices.Contains(values, Absent) {
			b.Values[d] = nil // counts every row
		}
	}
	s.rows = s.rows[n:]
	return b, nil
}

func bigintValue(v int64) plan.Value { return plan.IntValue(plan.Of(plan.KindBigint), v) }

// keys is the number of declared values, 0 to keys−1.
const keys = 5

// magnitude is the largest centred step of the tests' sums.
const magnitude = 10

// testPlan counts rows and units and sums a value, by one key.
func testPlan(l privacy.Bounds, secret bool) *plan.Bound {
	k := plan.Key{Column: "k", Type: plan.Of(plan.KindBigint)}
	for v := int64(0); v < keys && !secret; v++ {
		k.Domain = append(k.Domain, bigintValue(v))
	}
	return &plan.Bound{
		Scope: plan.ScopePerson, Limits: l, Keys: []plan.Key{k},
		Draws: []plan.Draw{
			{Kind: plan.DrawRows}, {Kind: plan.DrawUnits},
			{Kind: plan.DrawSum, Quantum: plan.Quantum{Mantissa: 1, Lo: -magnitude, Hi: magnitude}},
		},
	}
}

// source streams one tenant's rows.
func source(p *plan.Bound, tenant string, size int, rows ...row) Source {
	var ws []wide
	for _, r := range rows {
		ws = append(ws, wide{r.unit, r.key, []int64{0, 0, r.value}})
	}
	return wideSource(p, tenant, size, ws)
}

func wideSource(p *plan.Bound, tenant string, size int, rows []wide) Source {
	return Source{Tenant: tenant, Stream: &sliceStream{rows: rows, size: size, plan: p, numbers: map[int64]int32{}}}
}

// failer is what *testing.T and *rapid.T have in common here.
type failer interface {
	Helper()
	Fatal(args ...any)
}

// bounded runs the bounder and returns, per key, its three draws.
func bounded(t failer, p *plan.Bound, salt [16]byte, sources ...Source) map[int64][3]int64 {
	t.Helper()
	r, err := Run(context.Background(), p, salt, sources)
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[int64][3]int64)
	for i, key := range r.Keys {
		var v [3]int64
		for d := range v {
			v[d] = r.Draws[d][i].Clamp(privacy.MaxRelease)
		}
		got[key[0].Int] = v
	}
	return got
}
