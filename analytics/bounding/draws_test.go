package bounding

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/big"
	"slices"
	"testing"

	diff "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/bounding/boundingtest"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// drawPlan draws a plan with draws of any kind.
func drawPlan(t *rapid.T) *plan.Bound {
	l := drawBounds(t)
	l.MaxL2 = rapid.Int64Range(0, 9).Draw(t, "C")
	p := testPlan(l, rapid.Bool().Draw(t, "secret"))
	p.Scope = rapid.SampledFrom([]plan.Scope{plan.ScopePerson, plan.ScopeTenant}).Draw(t, "scope")
	p.Draws = nil
	for i := range rapid.IntRange(1, 4).Draw(t, "draws") {
		kind := plan.DrawKind(rapid.IntRange(int(plan.DrawRows), int(plan.DrawTree)).Draw(t, "kind"))
		p.Draws = append(p.Draws, drawOf(kind, i))
	}
	return p
}

// drawOf returns a draw of a kind whose text is its own.
func drawOf(kind plan.DrawKind, i int) plan.Draw {
	q := plan.Quantum{Mantissa: 1, Lo: -magnitude, Hi: magnitude}
	d := plan.Draw{Kind: kind, Quantum: q, Mask: &plan.Column{Name: fmt.Sprint("mask ", i)}}
	switch kind {
	case plan.DrawSquares:
		d.Square = plan.SquareOf(q)
	case plan.DrawTree:
		d.Tree = plan.Tree{Leaves: 7, Branching: 2 + i, Levels: 3, StepsPerLeaf: 3}
	case plan.DrawRows, plan.DrawUnits, plan.DrawSum, plan.DrawDistinct:
	}
	return d
}

// drawWide draws rows of a few units, ordered by unit.
func drawWide(t *rapid.T, p *plan.Bound, label string) []wide {
	rows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) wide {
		w := wide{unit: rapid.Uint64Range(0, 4).Draw(t, "unit") * (math.MaxUint64 / 4), key: rapid.SampledFrom([]int64{0, 0, 0, 1, 1, 2, 3, keys}).Draw(t, "key")}
		for _, d := range p.Draws {
			v := rapid.Int64Range(-magnitude, magnitude).Draw(t, "steps")
			switch d.Kind {
			case plan.DrawSquares:
				v = Square(d.Quantum, d.Square, v)
			case plan.DrawTree:
				v = Leaf(d.Quantum, d.Tree, v)
			case plan.DrawDistinct:
				v = NewValueHash([16]byte{}).Integer(v / 4)
			case plan.DrawRows, plan.DrawUnits, plan.DrawSum:
			}
			if rapid.IntRange(0, 5).Draw(t, "absent") == 0 {
				v = Absent
			}
			w.values = append(w.values, v)
		}
		return w
	}), 0, 40).Draw(t, label)
	byUnit(rows)
	return rows
}

func byUnit(rows []wide) {
	slices.SortStableFunc(rows, func(a, b wide) int { return cmp.Compare(a.unit, b.unit) })
}

// all runs the bounder and returns every group's integers, as the reference
// does; declared groups in which nothing is counted are left out.
func all(t failer, p *plan.Bound, salt [16]byte, sources ...Source) boundingtest.Draws {
	t.Helper()
	r, err := Run(context.Background(), p, salt, sources)
	if err != nil {
		t.Fatal(err)
	}
	got := boundingtest.Draws{}
	for i, key := range r.Keys {
		nothing := !p.Secret()
		var integers []string
		for d, draw := range p.Draws {
			for _, n := range r.Of(d, draw.Width(), []int{i}) {
				integers, nothing = append(integers, n.String()), nothing && n == privacy.Int128{}
			}
		}
		if !nothing {
			got[keyText(key[0].Int)] = integers
		}
	}
	return got
}

func keyText(key int64) string { return fmt.Sprintf(`"k"=bi%d,`, key) }

// referenceOf bounds the same rows as the definition says, tenant by tenant.
func referenceOf(p *plan.Bound, salt [16]byte, tenants []string, parts [][]wide) boundingtest.Draws {
	var rows []boundingtest.Row
	for i, part := range parts {
		for _, w := range part {
			if w.key < keys || p.Secret() {
				rows = append(rows, boundingtest.Row{Tenant: tenants[i], Unit: w.unit, Key: keyText(w.key), Values: w.values})
			}
		}
	}
	out := boundingtest.Bound(p, salt, rows)
	for key, integers := range out {
		if !p.Secret() && !slices.ContainsFunc(integers, func(n string) bool { return n != "0" }) {
			delete(out, key)
		}
	}
	return out
}

// Every kind of draw is what its definition says, for any rows, bounds, spread
// over segments and batches.
func TestBounderAgreesWithReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(t)
		parts := [][]wide{drawWide(t, p, "a"), drawWide(t, p, "b"), drawWide(t, p, "c")}
		tenants := []string{"x", "x", "y"}
		salt := [16]byte{rapid.Byte().Draw(t, "salt")}
		var sources []Source
		for i, part := range parts {
			sources = append(sources, wideSource(p, tenants[i], rapid.IntRange(1, 9).Draw(t, "size"), part))
		}
		if d := diff.Diff(referenceOf(p, salt, tenants, parts), all(t, p, salt, sources...)); d != "" {
			t.Fatalf("%s, −reference +bounder:\n%s", p.CoreKey(), d)
		}
	})
}

// The order of a unit's rows, batches and segments change no draw of any kind.
func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(t)
		p.Limits.MaxRows = 0
		rows := drawWide(t, p, "rows")
		want := all(t, p, [16]byte{}, wideSource(p, "x", 100, rows))
		parts := make([][]wide, rapid.IntRange(1, 4).Draw(t, "segments"))
		for i, r := range rapid.Permutation(rows).Draw(t, "shuffled") {
			parts[i%len(parts)] = append(parts[i%len(parts)], r)
		}
		var sources []Source
		for _, part := range parts {
			byUnit(part)
			sources = append(sources, wideSource(p, "x", rapid.IntRange(1, 5).Draw(t, "size"), part))
		}
		if d := diff.Diff(want, all(t, p, [16]byte{}, sources...)); d != "" {
			t.Fatalf("−one segment +several:\n%s", d)
		}
	})
}

// declared returns the sensitivities that a draw of a kind is noised by.
func declared(d plan.Draw, l privacy.Bounds) (l1, l2, linf float64) {
	switch d.Kind {
	case plan.DrawUnits:
		l = l.Units()
	case plan.DrawDistinct, plan.DrawTree:
		l.MaxL2 = 0
	case plan.DrawRows, plan.DrawSum, plan.DrawSquares:
	}
	levels := 1.0
	if d.Kind == plan.DrawTree {
		levels = float64(d.Tree.Levels)
	}
	m := float64(d.Magnitude())
	linf = m * float64(l.MaxRowsPerPartition)
	if l.MaxL2 > 0 {
		linf = min(linf, m*float64(l.MaxL2))
	}
	return m * levels * l.L1Rows(), m * math.Sqrt(levels) * l.L2Rows(), linf
}

// Removing a unit moves every draw of every kind by no more than what it is
// noised by, whatever the data.
func TestRemovingAUnitShiftsEveryDrawWithinItsSensitivity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(t)
		gone := rapid.Uint64Range(0, 4).Draw(t, "gone") * (math.MaxUint64 / 4)
		p.Scope = plan.ScopePerson
		var with, without []Source
		for _, name := range []string{"x", "y"} {
			rows := drawWide(t, p, name)
			with = append(with, wideSource(p, name, 3, rows))
			without = append(without, wideSource(p, name, 3, slices.DeleteFunc(slices.Clone(rows), func(r wide) bool { return r.unit == gone })))
		}
		salt := [16]byte{rapid.Byte().Draw(t, "salt")}
		checkShift(t, p, all(t, p, salt, with...), all(t, p, salt, without...))
	})
}

func checkShift(t *rapid.T, p *plan.Bound, a, b boundingtest.Draws) {
	at := 0
	for _, d := range p.Draws {
		w := d.Width()
		groups := 0
		var l1, l2, linf float64
		for key := range int64(keys + 1) {
			x, y := a[keyText(key)], b[keyText(key)]
			moved := false
			for i := at; i < at+w; i++ {
				shift := math.Abs(number(x, i) - number(y, i))
				l1, l2, linf, moved = l1+shift, l2+shift*shift, max(linf, shift), moved || shift > 0
			}
			if moved {
				groups++
			}
		}
		at += w
		want1, want2, wantInf := declared(d, p.Limits)
		if int64(groups) > p.Limits.MaxPartitions || l1 > want1*(1+1e-12) || math.Sqrt(l2) > want2*(1+1e-12) || linf > wantInf {
			t.Fatalf("%s moves by L1 %g, L2 %g, Linf %g in %d groups; declared are %g, %g, %g under %+v",
				d, l1, math.Sqrt(l2), linf, groups, want1, want2, wantInf, p.Limits)
		}
	}
}

func number(integers []string, i int) float64 {
	if integers == nil {
		return 0
	}
	n, _ := new(big.Float).SetString(integers[i])
	f, _ := n.Float64()
	return f
}
