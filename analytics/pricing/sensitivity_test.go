package pricing

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// unit is one privacy unit's rows after bounding: steps per group.
type unit [][]int64

func drawUnit(t *rapid.T, limits privacy.Bounds, q plan.Quantum) unit {
	u, rows := unit{}, int64(0)
	for range rapid.Int64Range(1, limits.MaxPartitions).Draw(t, "groups") {
		var steps []int64
		for range rapid.Int64Range(1, limits.MaxRowsPerPartition).Draw(t, "rows") {
			if rows++; limits.MaxRows > 0 && rows > limits.MaxRows {
				break
			}
			steps = append(steps, rapid.OneOf(rapid.Int64Range(q.Lo, q.Hi), rapid.SampledFrom([]int64{q.Lo, q.Hi})).Draw(t, "steps"))
		}
		u = append(u, steps)
	}
	return u
}

// moves returns by how much the unit's rows move each integer of a draw, at
// most: what bounding keeps of them, in an otherwise empty dataset.
func (u unit) moves(d plan.Draw, limits privacy.Bounds) []float64 {
	var out []float64
	norm := 0.0
	for _, steps := range u {
		norm += float64(len(steps) * len(steps))
	}
	norm = math.Sqrt(norm)
	for _, steps := range u {
		cells := make([]float64, d.Width())
		different := map[int64]bool{}
		for _, s := range steps {
			y := s - d.Quantum.Centre
			different[s] = true
			switch d.Kind {
			case plan.DrawRows:
				cells[0]++
			case plan.DrawUnits:
				cells[0] = 1
			case plan.DrawSum:
				cells[0] += float64(y)
			case plan.DrawSquares:
				cells[0] += float64((y*y)>>d.Square.Shift - d.Square.Centre)
			case plan.DrawDistinct:
				cells[0] = float64(len(different))
			case plan.DrawTree:
				leaf := d.Tree.Leaf(s - d.Quantum.Lo)
				for level := d.Tree.Levels; level >= 1; level-- {
					cells[d.Tree.Offset(level)+leaf]++
					leaf /= d.Tree.Branching
				}
			}
		}
		scaled := d.Kind == plan.DrawRows || d.Kind == plan.DrawSum || d.Kind == plan.DrawSquares
		if limit := float64(limits.MaxL2); scaled && limit > 0 && norm > limit {
			cells[0] = math.Trunc(cells[0] * limit / norm)
		}
		out = append(out, cells...)
	}
	return out
}

// drawOf returns a draw of a kind over a quantum.
func drawOf(kind plan.DrawKind, q plan.Quantum) plan.Draw {
	d := plan.Draw{Kind: kind, Quantum: q}
	switch kind {
	case plan.DrawSquares:
		d.Square = plan.SquareOf(q)
	case plan.DrawTree:
		d.Tree = plan.TreeOf(q)
	default:
	}
	return d
}

var kinds = []plan.DrawKind{plan.DrawRows, plan.DrawUnits, plan.DrawSum, plan.DrawSquares, plan.DrawDistinct, plan.DrawTree}

// TestNoUnitMovesADrawBeyondItsSensitivity, whatever its rows are.
func TestNoUnitMovesADrawBeyondItsSensitivity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := privacy.Bounds{
			MaxPartitions: rapid.Int64Range(1, 4).Draw(t, "L0"), MaxRowsPerPartition: rapid.Int64Range(1, 6).Draw(t, "c"),
			MaxRows: rapid.Int64Range(0, 8).Draw(t, "m"), MaxL2: rapid.Int64Range(0, 5).Draw(t, "C"),
		}
		q := plan.Quantum{Mantissa: 1, Lo: rapid.Int64Range(-200, 200).Draw(t, "lo")}
		q.Hi = q.Lo + rapid.SampledFrom([]int64{0, 1, 4, 50, 5000}).Draw(t, "width")
		if rapid.Bool().Draw(t, "centred") {
			q.Centre = q.Lo + (q.Hi-q.Lo)/2
		}
		d := drawOf(rapid.SampledFrom(kinds).Draw(t, "kind"), q)
		s, err := sensitivity(d, limits)
		if err != nil {
			t.Fatal(err)
		}
		var moved int64
		var l1, l2, most float64
		for _, x := range drawUnit(t, limits, q).moves(d, limits) {
			if x != 0 {
				moved++
			}
			l1, l2, most = l1+math.Abs(x), l2+x*x, max(most, math.Abs(x))
		}
		l2 = math.Sqrt(l2)
		if moved > s.L0 || l1 > s.L1*(1+1e-12) || l2 > s.L2*(1+1e-12) || most > float64(s.LInf) {
			t.Fatalf("%s moves by %d, %g, %g, %g under %+v, sensitivity %+v", d, moved, l1, l2, most, limits, s)
		}
	})
}

// TestSensitivitiesAreMet: some unit moves each draw by exactly its sensitivity,
// so that none is larger than it need be.
func TestSensitivitiesAreMet(t *testing.T) {
	q := plan.Quantum{Mantissa: 1, Lo: 0, Hi: 63}
	centred := q
	centred.Centre = 31
	same := func(rows, groups int, steps ...int64) unit {
		var u unit
		for range groups {
			var g []int64
			for i := range rows {
				g = append(g, steps[i%len(steps)])
			}
			u = append(u, g)
		}
		return u
	}
	wide := privacy.Bounds{MaxPartitions: 4, MaxRowsPerPartition: 3}
	short := privacy.Bounds{MaxPartitions: 4, MaxRowsPerPartition: 3, MaxRows: 3}
	scaled := privacy.Bounds{MaxPartitions: 4, MaxRowsPerPartition: 3, MaxL2: 2}
	for name, c := range map[string]struct {
		draw   plan.Draw
		limits privacy.Bounds
		unit   unit
		l2     float64
	}{
		"rows":              {drawOf(plan.DrawRows, q), wide, same(3, 4, 1), 6},
		"few rows":          {drawOf(plan.DrawRows, q), short, same(3, 1, 1), 3},
		"a bounded norm":    {drawOf(plan.DrawRows, q), scaled, same(3, 4, 1), 2},
		"units":             {drawOf(plan.DrawUnits, q), wide, same(3, 4, 1), 2},
		"units, scaled":     {drawOf(plan.DrawUnits, q), scaled, same(3, 4, 1), 2},
		"sums":              {drawOf(plan.DrawSum, q), wide, same(3, 4, 63), 6 * 63},
		"centred sums":      {drawOf(plan.DrawSum, centred), wide, same(3, 4, 63), 6 * 32},
		"squares":           {drawOf(plan.DrawSquares, centred), wide, same(3, 4, 31), 6 * 512},
		"distinct":          {drawOf(plan.DrawDistinct, q), wide, same(3, 4, 1, 2, 3), 6},
		"distinct, scaled":  {drawOf(plan.DrawDistinct, q), scaled, same(3, 4, 1, 2, 3), 6},
		"few distinct":      {drawOf(plan.DrawDistinct, q), short, same(3, 1, 1, 2, 3), 3},
		"a tree of 2":       {drawOf(plan.DrawTree, q), wide, same(3, 4, 7), 6 * math.Sqrt2},
		"a tree, scaled":    {drawOf(plan.DrawTree, q), scaled, same(3, 4, 7), 6 * math.Sqrt2},
		"a tree, few rows":  {drawOf(plan.DrawTree, q), short, same(3, 1, 7), 3 * math.Sqrt2},
		"a tree of a level": {drawOf(plan.DrawTree, plan.Quantum{Mantissa: 1, Lo: 1, Hi: 5}), wide, same(3, 4, 5), 6},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := sensitivity(c.draw, c.limits)
			if err != nil {
				t.Fatal(err)
			}
			l2 := 0.0
			for _, x := range c.unit.moves(c.draw, c.limits) {
				l2 += x * x
			}
			if got := math.Sqrt(l2); math.Abs(got-c.l2) > 1e-9 || math.Abs(s.L2-c.l2) > 1e-9 {
				t.Errorf("moved by %g, sensitivity %g, want %g", got, s.L2, c.l2)
			}
		})
	}
}

func TestSensitivityFollowsFromTheLimits(t *testing.T) {
	sum := plan.Draw{Kind: plan.DrawSum, Quantum: plan.Quantum{Mantissa: 1, Lo: 1, Hi: 5}}
	centred := plan.Draw{Kind: plan.DrawSum, Quantum: plan.Quantum{Mantissa: 1, Lo: 1, Hi: 5, Centre: 3}}
	rows, units := plan.Draw{Kind: plan.DrawRows}, plan.Draw{Kind: plan.DrawUnits}
	for name, c := range map[string]struct {
		draw         plan.Draw
		limits       privacy.Bounds
		l0, linf     int64
		l1, l2square float64
	}{
		"rows":                {rows, privacy.Bounds{MaxPartitions: 4, MaxRowsPerPartition: 3}, 4, 3, 12, 4 * 9},
		"units":               {units, privacy.Bounds{MaxPartitions: 4, MaxRowsPerPartition: 3}, 4, 1, 4, 4},
		"a sum":               {sum, privacy.Bounds{MaxPartitions: 4, MaxRowsPerPartition: 3}, 4, 15, 60, 4 * 15 * 15},
		"a centred sum":       {centred, privacy.Bounds{MaxPartitions: 4, MaxRowsPerPartition: 3}, 4, 6, 24, 4 * 6 * 6},
		"rows, at most 5":     {rows, privacy.Bounds{MaxPartitions: 4, MaxRowsPerPartition: 3, MaxRows: 5}, 4, 3, 5, 3 * 5},
		"units, at most 2":    {units, privacy.Bounds{MaxPartitions: 4, MaxRowsPerPartition: 3, MaxRows: 2}, 4, 1, 2, 2},
		"one row at the most": {sum, privacy.Bounds{MaxPartitions: 1, MaxRowsPerPartition: 1, MaxRows: 1}, 1, 5, 5, 25},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := sensitivity(c.draw, c.limits)
			if err != nil {
				t.Fatal(err)
			}
			if s.L0 != c.l0 || s.LInf != c.linf || s.L1 != c.l1 || math.Abs(s.L2*s.L2-c.l2square) > 1e-9 {
				t.Errorf("got %+v, want %+v", s, c)
			}
		})
	}
	wide := plan.Draw{Kind: plan.DrawSum, Quantum: plan.Quantum{Mantissa: 1, Lo: 0, Hi: plan.MaxStep}}
	if _, err := sensitivity(wide, privacy.Bounds{MaxPartitions: 1, MaxRowsPerPartition: privacy.MaxBound}); privacy.CodeOf(err) != privacy.CodePrivacyParameters {
		t.Errorf("a unit whose sum leaves 61 bits: %v", err)
	}
}
