package bounding

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/bounding/boundingtest"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// valuePlan has one draw that looks at values.
func valuePlan(l privacy.Bounds, d plan.Draw) *plan.Bound {
	p := testPlan(l, false)
	p.Draws = []plan.Draw{d}
	return p
}

// crowd returns rows of many units that all have the same values in a key.
func crowd(units uint64, key int64, values ...int64) []wide {
	var rows []wide
	for u := range units {
		for _, v := range values {
			rows = append(rows, wide{u, key, []int64{v}})
		}
	}
	return rows
}

func draws(t failer, p *plan.Bound, rows []wide) []int64 {
	t.Helper()
	r, err := Run(context.Background(), p, [16]byte{3}, []Source{wideSource(p, "a", 64, rows)})
	if err != nil {
		t.Fatal(err)
	}
	var out []int64
	for _, n := range r.Draws[0] {
		out = append(out, n.Clamp(privacy.MaxRelease))
	}
	return out
}

// With the unit inside the hash, units that keep one of ten values keep all ten
// between them; without it the same nine would vanish for everyone.
func TestUnitsKeepDifferentValues(t *testing.T) {
	p := valuePlan(privacy.Bounds{MaxPartitions: 5, MaxRowsPerPartition: 1}, drawOf(plan.DrawDistinct, 0))
	values := []int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	// A value is missed by all of 1000 units with probability 0.9^1000 < 1e-45.
	if got := draws(t, p, crowd(1000, 0, values...)); got[0] != 10 {
		t.Errorf("1000 units with one of ten values each count %d different ones", got[0])
	}
	// One unit keeps different values in different keys.
	kept := map[int64]bool{}
	for key := range int64(keys) {
		kept[keptValue(t, p, crowd(1, key, values...), key, values)] = true
	}
	if len(kept) == 1 { // so it would be for one salt in 10^4; this one is fixed
		t.Error("a unit keeps the same value in every key")
	}
}

// A value counts once however many rows have it, also where a choice is made:
// beside a value of many rows, others keep their place.
func TestFrequentValuesTakeNoPlace(t *testing.T) {
	p := valuePlan(privacy.Bounds{MaxPartitions: 1, MaxRowsPerPartition: 3}, drawOf(plan.DrawDistinct, 0))
	for u := range uint64(20) {
		rows := []wide{{u, 0, []int64{1}}, {u, 0, []int64{2}}}
		for range 50 {
			rows = append(rows, wide{u, 0, []int64{3}})
		}
		if got := draws(t, p, rows); got[0] != 3 {
			t.Errorf("unit %d with three values counts %d", u, got[0])
		}
	}
}

// keptValue finds the one value that unit 0 keeps in a key: a second unit can
// add it without being noticed.
func keptValue(t *testing.T, p *plan.Bound, rows []wide, key int64, values []int64) int64 {
	t.Helper()
	if n := draws(t, p, rows)[key]; n != 1 {
		t.Fatalf("a unit counts %d different values, want 1", n)
	}
	for _, v := range values {
		if draws(t, p, append(slices.Clone(rows), wide{1, key, []int64{v}}))[key] == 1 {
			return v
		}
	}
	t.Fatal("no value is kept")
	return 0
}

// The rows that units keep are spread over their leaves: the tree keeps its
// shape. Each of 2000 units keeps 2 of 4 rows, of leaves 0, 0, 0 and 6.
func TestUnitsKeepDifferentRows(t *testing.T) {
	p := valuePlan(privacy.Bounds{MaxPartitions: 1, MaxRowsPerPartition: 2}, drawOf(plan.DrawTree, 0))
	got := draws(t, p, crowd(2000, 0, 0, 6, 0, 0))
	leaves := got[p.Draws[0].Tree.Offset(3):][:7]
	// Leaf 6 is kept by a half of the units: 1000 ± 8·√500.
	if leaves[0]+leaves[6] != 4000 || math.Abs(float64(leaves[6])-1000) > 8*math.Sqrt(500) {
		t.Errorf("leaves count %v", leaves)
	}
}

// What a unit holds while it is read grows with its different values, not with
// its rows.
func TestWhalesAreMerged(t *testing.T) {
	d := drawOf(plan.DrawTree, 0)
	g := newGatherer(0, d, 1, 2)
	batch := &Batch{Values: [][]int64{{0, 1, 2, 3, 4, 5, 6}}}
	for i := range 50 * mergeItems {
		g.take(batch, i%7, int32(i%3))
		if len(g.items) > mergeItems {
			t.Fatalf("%d items for 21 different ones", len(g.items))
		}
	}
	rows := int32(0)
	for _, it := range merge(g.items) {
		rows += it.rows
	}
	if rows != 50*mergeItems {
		t.Errorf("%d rows are left of %d", rows, 50*mergeItems)
	}
}

// Secret keys may have more groups than there is room for the nodes of: a run
// does not tell, since one unit's group could be the one too many, and makes the
// nodes of the groups that it is asked for.
func TestSecretGroupsOfWideTrees(t *testing.T) {
	d := drawOf(plan.DrawTree, 0)
	d.Tree = plan.Tree{Leaves: 1 << 22, Branching: 1 << 22, Levels: 1, StepsPerLeaf: 1}
	p := testPlan(privacy.Bounds{MaxPartitions: 9, MaxRowsPerPartition: 2}, true)
	p.Draws = []plan.Draw{d}
	var rows []wide
	for key := range int64(keys) {
		rows = append(rows, wide{1, key, []int64{key}}, wide{1, key, []int64{Absent}})
	}
	r, err := Run(context.Background(), p, [16]byte{}, []Source{wideSource(p, "a", 9, rows)})
	if err != nil || len(r.Keys) != keys || int64(keys)*p.Width() <= plan.MaxCells {
		t.Fatalf("%d groups: %v", len(r.Keys), err)
	}
	for i, key := range r.Keys {
		if nodes := r.Of(0, d.Width(), []int{i}); nodes[key[0].Int] != privacy.Int128From(1) {
			t.Errorf("group %d counts %v", key[0].Int, nodes[key[0].Int])
		}
	}
}

func TestValueHash(t *testing.T) {
	salt := [16]byte{1, 2, 3, 15: 9}
	h := NewValueHash(salt)
	for _, tt := range []struct {
		name      string
		got, want int64
	}{
		{"integers", h.Integer(-7), boundingtest.ValueHash(salt, int64(-7))},
		{"doubles", h.Double(0.1), boundingtest.ValueHash(salt, 0.1)},
		{"negative zero", h.Double(math.Copysign(0, -1)), h.Double(0)},
		{"any NaN", h.Double(math.Float64frombits(0xfff8000000000123)), h.Double(math.NaN())},
		{"texts", h.Text([]byte("Zoë")), boundingtest.ValueHash(salt, "Zoë")},
		{"the empty text", h.Text(nil), boundingtest.ValueHash(salt, "")},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, tt.got, tt.want)
		}
	}
	if other := NewValueHash([16]byte{1}); other.Integer(5) == h.Integer(5) {
		t.Error("the hash does not depend on the salt")
	}
	if h.Double(1) == h.Double(-1) || h.Integer(0) == h.Text(nil) {
		t.Error("different values share a hash")
	}
}

func TestSquaresAndLeaves(t *testing.T) {
	d := plan.Draw{Kind: plan.DrawSquares, Quantum: plan.Quantum{Mantissa: 1, Lo: 1, Hi: 5, Centre: 3}}
	d.Square = plan.SquareOf(d.Quantum)
	for v, want := range map[int64]int64{3: -2, 2: -1, 4: -1, 1: 2, 5: 2, 99: 2, math.MinInt64: 2} {
		if got := Square(d.Quantum, d.Square, v); got != want {
			t.Errorf("Square(%d) = %d, want %d", v, got, want)
		}
	}
	d.Tree = plan.Tree{Leaves: 3, Branching: 3, Levels: 1, StepsPerLeaf: 2}
	for v, want := range map[int64]int64{1: 0, 2: 0, 3: 1, 4: 1, 5: 2, 6: 2, math.MaxInt64: 2, math.MinInt64: 0} {
		if got := Leaf(d.Quantum, d.Tree, v); got != want {
			t.Errorf("Leaf(%d) = %d, want %d", v, got, want)
		}
	}
}

// No square exceeds the magnitude that it is noised by, wherever the centre.
func TestSquaresStayWithinTheirMagnitude(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := plan.Quantum{Mantissa: 1, Lo: rapid.Int64Range(-plan.MaxSteps, plan.MaxSteps).Draw(t, "lo")}
		q.Hi = q.Lo + rapid.Int64Range(0, plan.MaxSteps).Draw(t, "width")
		q.Centre = (q.Lo + q.Hi) / 2
		d := plan.Draw{Kind: plan.DrawSquares, Quantum: q, Square: plan.SquareOf(q)}
		v := rapid.Int64().Draw(t, "value")
		if got := Square(d.Quantum, d.Square, v); got > d.Magnitude() || -got > d.Magnitude() {
			t.Fatalf("%d exceeds %d", got, d.Magnitude())
		}
	})
}

func ExampleValueHash() {
	h := NewValueHash([16]byte{})
	fmt.Println(h.Double(0) == h.Double(math.Copysign(0, -1)))
	// Output: true
}
