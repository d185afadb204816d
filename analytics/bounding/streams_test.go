package bounding

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	diff "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// spreads are ways in which units lie in their range: as pseudonyms do, all close
// to one another or to an end, and both, so that most share a bucket.
var spreads = map[string]func(r *rand.Rand) uint64{
	"evenly":  (*rand.Rand).Uint64,
	"dense":   func(r *rand.Rand) uint64 { return r.Uint64N(40) },
	"at ends": func(r *rand.Rand) uint64 { return r.Uint64N(20) - 10 },
	"uneven":  func(r *rand.Rand) uint64 { return r.Uint64() >> (r.UintN(2) * 60) },
}

// manyRows makes rows of many units, some with far more rows than others.
func manyRows(r *rand.Rand, p *plan.Bound, spread func(r *rand.Rand) uint64, rows int) []wide {
	units := make([]uint64, 1+r.IntN(60))
	for i := range units {
		units[i] = spread(r)
	}
	out := make([]wide, rows)
	for i := range out {
		out[i] = wide{unit: units[r.IntN(1+r.IntN(len(units)))], key: r.Int64N(keys + 1)}
		for _, d := range p.Draws {
			v := r.Int64N(2*magnitude+1) - magnitude
			switch {
			case r.IntN(40) == 0:
				v = Absent
			case d.Kind == plan.DrawSquares:
				v = Square(d.Quantum, d.Square, v)
			case d.Kind == plan.DrawTree:
				v = Leaf(d.Quantum, d.Tree, v)
			}
			out[i].values = append(out[i].values, v)
		}
	}
	return out
}

// However many units there are and however they are spread, over batches that end
// within units, over streams and in the range of pseudonyms, every draw is what its
// definition says; with MaxRows, that includes the order of streams and of rows.
func TestManyUnitsAgreeWithReference(t *testing.T) {
	for name, spread := range spreads {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				p := drawPlan(t)
				r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
				parts, tenants := make([][]wide, 1+r.IntN(6)), []string(nil)
				rows := manyRows(r, p, spread, r.IntN(400))
				for _, w := range rows {
					i := r.IntN(len(parts))
					parts[i] = append(parts[i], w)
				}
				var sources []Source
				for i := range parts {
					byUnit(parts[i])
					tenants = append(tenants, []string{"x", "x", "x", "y", "y", "y"}[i])
					sources = append(sources, wideSource(p, tenants[i], 1+r.IntN(1+r.IntN(100)), parts[i]))
				}
				salt := [16]byte{byte(r.Uint32())}
				if d := diff.Diff(referenceOf(p, salt, tenants, parts), all(t, p, salt, sources...)); d != "" {
					t.Fatalf("%s, −reference +bounder:\n%s", p.CoreKey(), d)
				}
			})
		})
	}
}

// Slots are numbered on from unit to unit and from call to call. Where the numbers
// end, they begin anew, and a unit whose rows have begun keeps its slots.
func TestSlotNumbersBeginAnew(t *testing.T) {
	p := testPlan(privacy.Bounds{MaxPartitions: 2, MaxRowsPerPartition: 2}, false)
	var rows []wide
	for i := range int64(100) {
		rows = append(rows, wide{uint64(i / 7), i / 2 % keys, []int64{0, 0, i % magnitude}})
	}
	for left := range int32(50) {
		want, err := Run(context.Background(), p, [16]byte{1}, []Source{wideSource(p, "x", 5, rows)})
		if err != nil {
			t.Fatal(err)
		}
		b := New(p, [16]byte{1})
		b.unit.base = math.MaxInt32 - left
		if err := b.Add(context.Background(), []Source{wideSource(p, "x", 5, rows)}); err != nil {
			t.Fatal(err)
		}
		if b.unit.base > 1000 {
			t.Fatalf("%d numbers before the end, none began anew", left)
		}
		if d := diff.Diff(want, Merge(b)); d != "" {
			t.Fatalf("%d numbers before the end, −want +got:\n%s", left, d)
		}
	}
}

// A stream that goes back fails the run, be it alone or one of several, within a
// batch or from one to the next, and wherever the others stand.
func TestGoingBackFailsClosed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(t)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		var sources []Source
		bad := r.IntN(1 + r.IntN(3))
		for i := range bad + 1 + r.IntN(2) {
			rows := manyRows(r, p, spreads["evenly"], 2+r.IntN(60))
			byUnit(rows)
			if i == bad {
				rows = append(rows, rows[0])
				rows[len(rows)-1].unit = math.MaxUint64
				at := 1 + r.IntN(len(rows)-1)
				rows = slices.Insert(rows, at, wide{unit: rows[at-1].unit - 1 - r.Uint64N(rows[at-1].unit), values: rows[0].values})
			}
			sources = append(sources, wideSource(p, "x", 1+r.IntN(20), rows))
		}
		if got, err := Run(context.Background(), p, [16]byte{}, sources); got != nil || !errors.Is(err, errOrder) {
			t.Fatalf("got %v, %v; want no result and an error", got, err)
		}
	})
}
