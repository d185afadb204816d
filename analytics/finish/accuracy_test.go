package finish

import (
	"math"
	"testing"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/result"
	"github.com/noised/noised/privacy/mechanism"
)

// everything is one output of each kind over a measure within [0, 100].
func everything(t *testing.T) View {
	q := plan.Quantum{Mantissa: 1, Hi: 100, Centre: 50}
	v := View{
		Confidence: 0.95,
		Noise:      []mechanism.Spec{calibrated(t, 10), calibrated(t, 500), wide(t, 12_500), calibrated(t, 20), calibrated(t, 10)},
		Plan: &plan.Bound{Draws: []plan.Draw{
			{Kind: plan.DrawRows}, {Kind: plan.DrawSum, Quantum: q}, {Kind: plan.DrawSquares, Quantum: q, Square: plan.SquareOf(q)},
			{Kind: plan.DrawTree, Quantum: q, Tree: plan.TreeOf(q)}, {Kind: plan.DrawDistinct},
		}},
	}
	v.Plan.Aggs = []plan.Agg{
		{Func: plan.AggCount, Count: 0, Sum: -1, Square: -1, Tree: -1},
		{Func: plan.AggDistinct, Count: 4, Sum: -1, Square: -1, Tree: -1},
		{Func: plan.AggSum, Count: 0, Sum: 1, Square: -1, Tree: -1},
		{Func: plan.AggAvg, Count: 0, Sum: 1, Square: -1, Tree: -1},
		{Func: plan.AggVarPop, Count: 0, Sum: 1, Square: 2, Tree: -1},
		{Func: plan.AggStddevSamp, Count: 0, Sum: 1, Square: 2, Tree: -1},
		{Func: plan.AggQuantile, Count: -1, Sum: -1, Square: -1, Tree: 3, Q: 0.5},
		{Func: plan.AggMin, Count: -1, Sum: -1, Square: -1, Tree: 3},
		{Func: plan.AggMax, Count: -1, Sum: -1, Square: -1, Tree: 3},
	}
	for i := range v.Plan.Aggs {
		v.Plan.Outputs = append(v.Plan.Outputs, plan.Output{Name: string(rune('a' + i)), Expr: &plan.AggRef{Index: i}})
	}
	return v
}

func TestAccuracies(t *testing.T) {
	v := everything(t)
	tests := []struct {
		mechanism result.Mechanism
		byRows    bool
		size      float64 // for 1,000 rows
	}{
		{result.Gaussian, false, 1000},
		{result.Gaussian, false, 1000},
		{result.Gaussian, false, 50_000},
		{result.Gaussian, true, 100},
		{result.Gaussian, true, 2500},
		{result.Gaussian, true, 50},
		{result.QuantileTree, true, 100},
		{result.QuantileTree, true, 100},
		{result.QuantileTree, true, 100},
	}
	accuracies, expected := Accuracies(v), Expect(v, 1000)
	for i, want := range tests {
		got, x := accuracies[i], expected[i]
		if got.Mechanism != want.mechanism || (got.Interval == nil) != want.byRows || (got.ByCount == nil) == want.byRows {
			t.Errorf("column %d: %+v", i, got)
		}
		if (got.Stddev == nil) != want.byRows {
			t.Errorf("column %d: stddev %v", i, got.Stddev)
		}
		if !x.Known || x.ByRows != want.byRows || math.Abs(x.Size/want.size-1) > 1e-9 || !(x.Half > 0 && x.Half < x.Size) {
			t.Errorf("column %d: %+v, want size %g", i, x, want.size)
		}
		if !want.byRows {
			continue
		}
		few, many := got.ByCount["100"], got.ByCount["100000"]
		if few.High-few.Low <= many.High-many.Low || few.High < 0 || few.Low > 0 {
			t.Errorf("column %d: offsets %+v at 100 rows, %+v at 100,000", i, few, many)
		}
	}
}

// TestExpectationsOfExpressions: sums, differences and multiples have an
// interval in advance that holds jointly; what depends on values has none.
func TestExpectationsOfExpressions(t *testing.T) {
	n, s := &plan.AggRef{Index: 0}, &plan.AggRef{Index: 2}
	v := everything(t)
	each := 1 - 0.05/2
	hn, hs := v.Noise[0].HalfWidth(each), Expect(v, 1)[2].Half
	tests := []struct {
		expr  plan.Expr
		known bool
		least float64
	}{
		{call2("+", n, s), true, hn + hs},
		{call2("-", n, s), true, hn + hs},
		{call2("*", whole(-3), n), true, 3 * v.Noise[0].HalfWidth(0.95)},
		{call2("/", n, whole(4)), true, v.Noise[0].HalfWidth(0.95) / 4},
		{&plan.Call{Func: "-", Args: []plan.Expr{n}}, true, v.Noise[0].HalfWidth(0.95)},
		{&plan.Cast{Arg: n, To: plan.Of(plan.KindDouble)}, true, v.Noise[0].HalfWidth(0.95)},
		{&plan.AggRef{Index: 6}, true, 0},
		{call2("/", n, whole(0)), false, 0},
		{call2("/", s, n), false, 0},
		{call2("*", n, n), false, 0},
		{call2(">", n, whole(1)), false, 0},
		{&plan.Call{Func: "round", Args: []plan.Expr{n}}, false, 0},
		{&plan.Case{Whens: []plan.When{{If: call2(">", n, whole(1)), Then: n}}}, false, 0},
	}
	for _, tt := range tests {
		v.Plan.Outputs = []plan.Output{{Name: "x", Expr: tt.expr}}
		got := Expect(v, 100)[0]
		if got.Known != tt.known || tt.known && got.Half < tt.least {
			t.Errorf("%s: %+v, want at least %g", plan.Print(tt.expr), got, tt.least)
		}
		if a := Accuracies(v)[0]; tt.known != (a.Interval != nil || a.ByCount != nil) {
			t.Errorf("%s: accuracy %+v", plan.Print(tt.expr), a)
		}
	}
}

// TestColumnsOfEveryAggregate: types, metadata and intervals of a whole result.
func TestColumnsOfEveryAggregate(t *testing.T) {
	v := everything(t)
	v.Plan.Keys = nil
	q := v.Plan.Draws[1].Quantum
	var steps []int64
	for i := range int64(1000) {
		steps = append(steps, i%101)
	}
	core := &Core{Draws: append(exactDraws(q, steps), []int64{101})}
	cols, err := Columns(v, core)
	if err != nil {
		t.Fatal(err)
	}
	want := []float64{1000, 101, 49_545, 49.545, exactVariance(steps), math.Sqrt(exactVariance(steps) * 1000 / 999), 49, 5, 94}
	slack := []float64{0, 0, 0, 1e-9, 1e-9, 1e-9, 1, 6, 6}
	for i, c := range cols {
		if x := c.Values.At(0).AsFloat(); math.Abs(x-want[i]) > slack[i] || c.Low.At(0).AsFloat() > x || x > c.High.At(0).AsFloat() {
			t.Errorf("column %d = %g in [%s, %s], want %g", i, x, c.Low.At(0).Text(), c.High.At(0).Text(), want[i])
		}
		if i >= 3 && c.Type.Kind != plan.KindDouble {
			t.Errorf("column %d has type %s", i, c.Type)
		}
		bounds, quantum := "[0, 100]", map[int]string{0: "1", 1: "1", 2: "1", 7: "1", 8: "1"}[i]
		if i < 2 {
			bounds = "[0, 1]"
		}
		if c.Bounds != bounds || c.Quantum != quantum || (c.Stddev != "") != (i < 3) {
			t.Errorf("column %d: bounds %q, quantum %q, stddev %q", i, c.Bounds, c.Quantum, c.Stddev)
		}
	}
}
