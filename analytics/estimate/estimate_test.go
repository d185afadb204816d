package estimate

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/mechanism"
)

// view is a plan, the noise of its draws, and the confidence of intervals.
type view struct {
	Plan       *plan.Bound
	Noise      []mechanism.Spec
	Confidence float64
}

func newSource(v view, draws [][]int64) *Source { return New(v.Plan, v.Noise, draws) }

// calibrated returns a mechanism with about the given stddev for a count.
func calibrated(t *testing.T, stddev float64) mechanism.Spec {
	t.Helper()
	s, err := mechanism.Calibrate(mechanism.Sensitivity{L0: 1, L1: 1, L2: 1, LInf: 1}, 1/(stddev*stddev))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// averageView is SUM and AVG of a measure within [1, 5], centred on 3.
func averageView(t *testing.T) view {
	q := plan.Quantum{Mantissa: 1, Lo: 1, Hi: 5, Centre: 3}
	return view{
		Confidence: 0.95,
		Noise:      []mechanism.Spec{calibrated(t, 20), calibrated(t, 30)},
		Plan: &plan.Bound{
			Draws: []plan.Draw{{Kind: plan.DrawRows}, {Kind: plan.DrawSum, Quantum: q}},
			Aggs: []plan.Agg{
				{Func: plan.AggCount, Count: 0, Sum: -1},
				{Func: plan.AggSum, Count: 0, Sum: 1},
				{Func: plan.AggAvg, Count: 0, Sum: 1},
			},
		},
	}
}

// TestIntervalsCoverTheTruth draws Gaussian noise around known sums 4,000
// times: an interval of 95 % must cover the truth in 93.4 % to 97.5 %, bounds
// that a correct interval leaves with probability below 1e-5.
func TestIntervalsCoverTheTruth(t *testing.T) {
	v := averageView(t)
	const n, s, repetitions = 1000, 400, 4000 // 1,000 rows, mean 3.4
	rng := rand.New(rand.NewPCG(1, 2))
	truth := []float64{n, s + 3*n, 3 + float64(s)/n}
	covered := make([]int, len(truth))
	for range repetitions {
		draws := [][]int64{
			{n + int64(math.Round(rng.NormFloat64()*v.Noise[0].Stddev))},
			{s + int64(math.Round(rng.NormFloat64()*v.Noise[1].Stddev))},
		}
		for i, a := range v.Plan.Aggs {
			e := newSource(v, draws).Estimator(a, v.Confidence).At(0)
			if e.Low.AsFloat() <= truth[i] && truth[i] <= e.High.AsFloat() {
				covered[i]++
			}
		}
	}
	for i, c := range covered {
		if share := float64(c) / repetitions; share < 0.934 || share > 0.975 {
			t.Errorf("aggregate %d: the interval covered the truth in %.2f %%", i, 100*share)
		}
	}
}

func TestAverageWithoutAClearCount(t *testing.T) {
	v := averageView(t)
	for _, n := range []int64{-5, 0, 1, 30} {
		draws := [][]int64{{n}, {40}}
		e := newSource(v, draws).Estimator(v.Plan.Aggs[2], v.Confidence).At(0)
		if e.Low.Float != 1 || e.High.Float != 5 {
			t.Errorf("n = %d: interval [%g, %g], want the bounds [1, 5]", n, e.Low.Float, e.High.Float)
		}
		if n <= 0 && e.Value.Float != 3 {
			t.Errorf("n = %d: value %g, want the midpoint 3", n, e.Value.Float)
		}
		if e.Value.Float < 1 || e.Value.Float > 5 {
			t.Errorf("n = %d: value %g outside the bounds", n, e.Value.Float)
		}
	}
}

func TestDecimalSums(t *testing.T) {
	q := plan.Quantum{Mantissa: 5, Scale: 2, Lo: 0, Hi: 100} // steps of 0.05
	v := view{Confidence: 0.95, Noise: []mechanism.Spec{calibrated(t, 2)},
		Plan: &plan.Bound{Draws: []plan.Draw{{Kind: plan.DrawSum, Quantum: q}}, Aggs: []plan.Agg{{Func: plan.AggSum, Count: -1, Sum: 0}}}}
	draws := [][]int64{{-31}}
	if got := newSource(v, draws).Estimator(v.Plan.Aggs[0], 0.95).At(0).Value.Text(); got != "-1.55" {
		t.Errorf("−31 steps of 0.05 = %s, want -1.55", got)
	}
}

// TestLaplaceCombination holds the union bound: the interval of a combination
// with a Laplace part is at least as wide as the Gaussian formula's.
func TestLaplaceCombination(t *testing.T) {
	g := calibrated(t, 20)
	l, err := mechanism.Calibrate(mechanism.Sensitivity{L0: 1, L1: 100, L2: 100, LInf: 100}, 64)
	if err != nil {
		t.Fatal(err)
	}
	if l.Kind != mechanism.Laplace {
		t.Fatalf("μ² = 64 gave %s, want laplace", l.Kind)
	}
	z := privacy.NormalUpperQuantile(0.025)
	if h := combinedHalfWidth(g, l, 2, 0.95); h < z*math.Hypot(g.Stddev, 2*l.Stddev) {
		t.Errorf("half-width %g is narrower than independent Gaussians'", h)
	}
}
