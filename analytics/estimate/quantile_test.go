package estimate

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"testing"

	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy/mechanism"
)

// treeView is MEDIAN, two quantiles, MIN and MAX of one measure.
func treeView(q plan.Quantum, noise mechanism.Spec) view {
	tree := func(f plan.AggFunc, at float64) plan.Agg {
		return plan.Agg{Func: f, Count: -1, Sum: -1, Square: -1, Tree: 0, Q: at}
	}
	return view{
		Confidence: 0.95, Noise: []mechanism.Spec{noise},
		Plan: &plan.Bound{
			Draws: []plan.Draw{{Kind: plan.DrawTree, Quantum: q, Tree: plan.TreeOf(q)}},
			Aggs: []plan.Agg{
				tree(plan.AggQuantile, 0.5), tree(plan.AggQuantile, 0.1), tree(plan.AggQuantile, 0.937),
				tree(plan.AggMin, 0), tree(plan.AggMax, 0),
			},
		},
	}
}

// counted returns the exact draw of some steps.
func counted(q plan.Quantum, steps []int64) []int64 {
	tree := plan.TreeOf(q)
	leaves := make([]float64, tree.Leaves)
	for _, s := range steps {
		leaves[tree.Leaf(s-q.Lo)]++
	}
	out := make([]int64, tree.Width())
	for leaf, n := range leaves {
		for level, i := tree.Levels, leaf; level >= 1; level, i = level-1, i/tree.Branching {
			out[tree.Offset(level)+i] += int64(n)
		}
	}
	return out
}

// quantileCont is SQL's definition, on sorted steps.
func quantileCont(sorted []int64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	x := float64(sorted[i])
	if part := at - float64(i); part > 0 {
		x += part * (float64(sorted[i+1]) - x)
	}
	return x
}

// silent is noise of which practically no draw is not zero.
func silent(t testing.TB) mechanism.Spec {
	s, err := mechanism.Calibrate(mechanism.Sensitivity{L0: 1, L1: 1, L2: 1, LInf: 1}, 250)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestQuantilesWithoutNoise: where the noise is nothing, values and both ends of
// the interval are those of SQL.
func TestQuantilesWithoutNoise(t *testing.T) {
	noise := silent(t)
	rapid.Check(t, func(t *rapid.T) {
		q := plan.Quantum{Mantissa: 1, Lo: rapid.Int64Range(-50, 50).Draw(t, "lo")}
		q.Hi = q.Lo + rapid.Int64Range(0, 3000).Draw(t, "width")
		steps := rapid.SliceOfN(rapid.Int64Range(q.Lo, q.Hi), 1, 40).Draw(t, "steps")
		v := treeView(q, noise)
		draws := [][]int64{counted(q, steps)}
		slices.Sort(steps)
		for _, a := range v.Plan.Aggs {
			want := quantileCont(steps, a.Q)
			if a.Func == plan.AggMax {
				want = quantileCont(steps, 1)
			}
			e := newSource(v, draws).Estimator(a, v.Confidence).At(0)
			at := a.Q * float64(len(steps)-1)
			low, high := float64(steps[int(at)]), float64(steps[int(math.Ceil(at))])
			if a.Func == plan.AggMax {
				low, high = want, want
			}
			if math.Abs(e.Value.Float-want) > 1e-9 || e.Low.Float > low || e.High.Float < high {
				t.Fatalf("%+v of %v = %g in [%g, %g], want %g", a, steps, e.Value.Float, e.Low.Float, e.High.Float, want)
			}
			if rankGap(a.Q) > 0 && (e.Low.Float != low || e.High.Float != high) {
				t.Fatalf("%+v of %v: interval [%g, %g], want [%g, %g]", a, steps, e.Low.Float, e.High.Float, low, high)
			}
		}
	})
}

// TestCoarseLeaves: where steps share leaves, a quantile is off by less than a
// leaf.
func TestCoarseLeaves(t *testing.T) {
	noise := silent(t)
	rapid.Check(t, func(t *rapid.T) {
		q := plan.Quantum{Mantissa: 1, Lo: 0, Hi: rapid.Int64Range(plan.MaxLeaves, 1<<20).Draw(t, "hi")}
		steps := rapid.SliceOfN(rapid.Int64Range(q.Lo, q.Hi), 1, 40).Draw(t, "steps")
		v := treeView(q, noise)
		source := newSource(v, [][]int64{counted(q, steps)})
		slices.Sort(steps)
		for _, a := range v.Plan.Aggs {
			want := quantileCont(steps, map[plan.AggFunc]float64{plan.AggQuantile: a.Q, plan.AggMax: 1}[a.Func])
			e := source.Estimator(a, v.Confidence).At(0)
			if leaf := float64(v.Plan.Draws[0].Tree.StepsPerLeaf); math.Abs(e.Value.Float-want) >= leaf || e.Low.Float > want || e.High.Float < want {
				t.Fatalf("%+v = %g in [%g, %g], want %g within %g", a, e.Value.Float, e.Low.Float, e.High.Float, want, leaf)
			}
		}
	})
}

// TestQuantilesAreSane: whatever the noise makes of a tree, quantiles lie within
// the bounds and their intervals, do not decrease in q, and the median lies
// between MIN and MAX.
func TestQuantilesAreSane(t *testing.T) {
	noise := calibrated(t, 30)
	rapid.Check(t, func(t *rapid.T) {
		q := plan.Quantum{Mantissa: 5, Scale: 1, Lo: rapid.Int64Range(-500, 500).Draw(t, "lo")}
		q.Hi = q.Lo + rapid.Int64Range(0, 9000).Draw(t, "width")
		v := treeView(q, noise)
		draws := make([]int64, v.Plan.Draws[0].Width())
		size := rapid.SampledFrom([]int64{3, 100, 1 << 40, 1 << 62}).Draw(t, "size")
		some := rapid.SliceOfN(rapid.Int64Range(-size, size), 1, 30).Draw(t, "noised")
		for i := range draws {
			draws[i] = some[i%len(some)]
		}
		source := newSource(v, [][]int64{draws})
		before := math.Inf(-1)
		for at := 0.0; at <= 1; at += 0.0625 {
			e := source.Estimator(plan.Agg{Func: plan.AggQuantile, Count: -1, Sum: -1, Square: -1, Q: at}, 0.95).At(0)
			within(t, q, e)
			if e.Value.Float < before {
				t.Fatalf("quantile %g is %g, less than %g before", at, e.Value.Float, before)
			}
			before = e.Value.Float
		}
		least, largest := source.Estimator(v.Plan.Aggs[3], 0.95).At(0), source.Estimator(v.Plan.Aggs[4], 0.95).At(0)
		within(t, q, least)
		within(t, q, largest)
		median := source.Estimator(v.Plan.Aggs[0], 0.95).At(0)
		if least.Value.Float > median.Value.Float || median.Value.Float > largest.Value.Float {
			t.Fatalf("MIN %g, MEDIAN %g, MAX %g", least.Value.Float, median.Value.Float, largest.Value.Float)
		}
	})
}

func within(t *rapid.T, q plan.Quantum, e Estimate) {
	lo, hi := inUnits(q, float64(q.Lo)), inUnits(q, float64(q.Hi))
	x := e.Value.Float
	if !(lo <= e.Low.Float && e.Low.Float <= x && x <= e.High.Float && e.High.Float <= hi) || math.IsNaN(x) {
		t.Fatalf("%g in [%g, %g] of [%g, %g]", x, e.Low.Float, e.High.Float, lo, hi)
	}
}

// TestNoRowsGiveTheMiddle of the bounds, with all of them as the interval.
func TestNoRowsGiveTheMiddle(t *testing.T) {
	v := treeView(plan.Quantum{Mantissa: 1, Lo: 1, Hi: 5}, calibrated(t, 20))
	for _, n := range []int64{-30, -1, 0} {
		source := newSource(v, [][]int64{{0, n, 0, 0, 0}})
		for _, a := range v.Plan.Aggs {
			if e := source.Estimator(a, 0.95).At(0); e.Value.Float != 3 || e.Low.Float != 1 || e.High.Float != 5 {
				t.Errorf("%d rows: %g in [%g, %g], want 3 in [1, 5]", n, e.Value.Float, e.Low.Float, e.High.Float)
			}
		}
	}
}

// TestExtremesLookBeyondTheNoise: with noise of 10 per node, hundreds of rows at
// 200 and 800 are found, a lone row at each bound is not.
func TestExtremesLookBeyondTheNoise(t *testing.T) {
	const repetitions = 200
	q := plan.Quantum{Mantissa: 1, Lo: 0, Hi: 1000}
	v := treeView(q, calibrated(t, 10))
	steps := []int64{0, 1000}
	for range 600 {
		steps = append(steps, 200, 500, 800)
	}
	rng := newSeeded(3)
	exact := counted(q, steps)
	for _, want := range []struct {
		agg int
		at  float64
	}{{3, 200}, {4, 800}} {
		var off []float64
		for range repetitions {
			source := newSource(v, [][]int64{rng.noised(exact, v.Noise[0])})
			off = append(off, math.Abs(source.Estimator(v.Plan.Aggs[want.agg], 0.95).At(0).Value.Float-want.at))
		}
		sort.Float64s(off)
		if off[repetitions/2] > 1 || off[repetitions*9/10] > 100 {
			t.Errorf("aggregate %d is off by %g in the median and %g in a tenth", want.agg, off[repetitions/2], off[repetitions*9/10])
		}
	}
}

func (r seeded) noised(exact []int64, s mechanism.Spec) []int64 {
	out := slices.Clone(exact)
	for i := range out {
		out[i] += r.noise(s)
	}
	return out
}

// TestQuantileIntervalsCoverTheTruth for skewed, sparse and dense values in
// small and large trees. False rejection below 1e-5 per case.
func TestQuantileIntervalsCoverTheTruth(t *testing.T) {
	const repetitions = 1000
	rng := newSeeded(4)
	ratings := plan.Quantum{Mantissa: 1, Lo: 1, Hi: 5}
	ages := plan.Quantum{Mantissa: 1, Lo: 0, Hi: 120}
	prices := plan.Quantum{Mantissa: 1, Lo: 0, Hi: 1 << 15}
	tests := []struct {
		name  string
		q     plan.Quantum
		noise mechanism.Spec
		step  func(i int) int64
		n     int
	}{
		{"ratings", ratings, calibrated(t, 20), func(i int) int64 { return 1 + int64(i*i%7)*4/6 }, 300},
		{"ratings with Laplace", ratings, laplace(t, 3), func(i int) int64 { return 1 + int64(i%5) }, 50},
		{"ages", ages, calibrated(t, 15), func(i int) int64 { return 20 + int64(i%60) }, 400},
		{"one age", ages, calibrated(t, 15), func(int) int64 { return 33 }, 60},
		{"ages with hardly any noise", ages, calibrated(t, 0.4), func(i int) int64 { return int64(i * 7 % 121) }, 30},
		{"ages with Laplace", ages, laplace(t, 2), func(i int) int64 { return int64(i * i % 121) }, 100},
		{"skewed prices", prices, calibrated(t, 25), func(i int) int64 { return int64(math.Exp(float64(i) / 77)) }, 800},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := treeView(tt.q, tt.noise)
			var steps []int64
			for i := range tt.n {
				steps = append(steps, tt.step(i))
			}
			slices.Sort(steps)
			exact := counted(tt.q, steps)
			covered := make([]int, len(v.Plan.Aggs))
			for range repetitions {
				source := newSource(v, [][]int64{rng.noised(exact, tt.noise)})
				for i, a := range v.Plan.Aggs {
					truth := quantileCont(steps, map[plan.AggFunc]float64{plan.AggQuantile: a.Q, plan.AggMax: 1}[a.Func])
					e := source.Estimator(a, v.Confidence).At(0)
					if e.Low.Float <= truth && truth <= e.High.Float {
						covered[i]++
					}
				}
			}
			for i, c := range covered {
				atLeast(t, fmt.Sprintf("aggregate %d", i), c, repetitions, v.Confidence)
			}
		})
	}
}
