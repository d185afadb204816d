package finish

import (
	"math"
	"math/bits"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/mechanism"
)

// estimate is one aggregate of one group with its interval.
type estimate struct{ value, low, high plan.Value }

// estimator computes one aggregate of a plan from noised draws.
type estimator struct {
	agg       plan.Agg
	quantum   plan.Quantum // of the sum draw
	typ       plan.Type
	count     []int64
	sum       []int64
	halfCount float64 // interval half-widths at the wanted confidence, in steps
	halfSum   float64 // of Sum + Centre·Count for AggSum, of Sum for AggAvg
}

func newEstimator(v View, core *Core, agg plan.Agg, confidence float64) *estimator {
	e := &estimator{agg: agg, typ: plan.Of(plan.KindBigint)}
	if agg.Count >= 0 {
		e.count = core.Draws[agg.Count]
		e.halfCount = v.Noise[agg.Count].HalfWidth(confidence)
	}
	if agg.Sum >= 0 {
		e.sum = core.Draws[agg.Sum]
		e.quantum = v.Plan.Draws[agg.Sum].Quantum
		e.halfSum = v.Noise[agg.Sum].HalfWidth(confidence)
	}
	switch agg.Func {
	case plan.AggAvg:
		e.typ = plan.Of(plan.KindDouble)
	case plan.AggSum:
		e.typ = SumType(e.quantum)
		if e.quantum.Centre != 0 {
			e.halfSum = combinedHalfWidth(v.Noise[agg.Sum], v.Noise[agg.Count], float64(e.quantum.Centre), confidence)
		}
	case plan.AggCount, plan.AggUnits:
	}
	return e
}

// SumType returns the type of a SUM with the given quantum: bigint for whole
// steps, else a decimal with the quantum's scale.
func SumType(q plan.Quantum) plan.Type {
	if q.Scale == 0 {
		return plan.Of(plan.KindBigint)
	}
	return plan.Type{Kind: plan.KindDecimal, Precision: 18, Scale: uint8(q.Scale)}
}

// combinedHalfWidth returns h with P(|X + k·Y| ≤ h) ≥ confidence for the two
// independent noises. The sum of Gaussians is Gaussian; otherwise each noise
// gets half of the failure probability (union bound).
func combinedHalfWidth(x, y mechanism.Spec, k, confidence float64) float64 {
	if x.Kind == mechanism.Gaussian && y.Kind == mechanism.Gaussian {
		z := privacy.NormalUpperQuantile((1 - confidence) / 2)
		return z*math.Hypot(x.Stddev, k*y.Stddev) + 0.5
	}
	each := 1 - (1-confidence)/2
	return x.HalfWidth(each) + math.Abs(k)*y.HalfWidth(each)
}

// at returns the aggregate of group g.
func (e *estimator) at(g int) estimate {
	switch e.agg.Func {
	case plan.AggSum:
		return e.sumAt(g)
	case plan.AggAvg:
		return e.avgAt(g)
	case plan.AggCount, plan.AggUnits:
	}
	n, h := e.count[g], int64(math.Floor(e.halfCount))
	return estimate{plan.IntValue(e.typ, n), plan.IntValue(e.typ, satAdd(n, -h)), plan.IntValue(e.typ, satAdd(n, h))}
}

func (e *estimator) sumAt(g int) estimate {
	steps := e.sum[g]
	if e.quantum.Centre != 0 {
		steps = satAdd(steps, satMul(e.quantum.Centre, e.count[g]))
	}
	h := int64(math.Floor(e.halfSum))
	in := func(steps int64) plan.Value { return plan.IntValue(e.typ, satMul(steps, e.quantum.Mantissa)) }
	return estimate{in(steps), in(satAdd(steps, -h)), in(satAdd(steps, h))}
}

// avgAt returns Centre + Sum/Count within the bounds, and Fieller's interval
// of the ratio: all R with |S − R·N| ≤ √(h_S² + R²·h_N²) (Fieller 1954). Where
// the count is not clearly positive, every ratio is plausible and the interval
// is the bounds; where it is not positive at all the value is their midpoint.
func (e *estimator) avgAt(g int) estimate {
	q := e.quantum
	unit := float64(q.Mantissa) / math.Pow10(q.Scale)
	lo, hi := float64(q.Lo-q.Centre), float64(q.Hi-q.Centre)
	in := func(r float64) plan.Value {
		return plan.FloatValue((float64(q.Centre) + max(lo, min(hi, r))) * unit)
	}
	s, n := float64(e.sum[g]), float64(e.count[g])
	value := in((lo + hi) / 2)
	if n > 0 {
		value = in(s / n)
	}
	hs, hn := e.halfSum, e.halfCount
	a := n*n - hn*hn
	if n <= 0 || a <= 0 {
		return estimate{value, in(lo), in(hi)}
	}
	root := math.Sqrt(max(0, n*n*hs*hs+s*s*hn*hn-hn*hn*hs*hs))
	return estimate{value, in((s*n - root) / a), in((s*n + root) / a)}
}

// satAdd and satMul saturate instead of wrapping: a sum that large is noise.
func satAdd(a, b int64) int64 {
	s := a + b
	if (a > 0 && b > 0 && s <= 0) || (a < 0 && b < 0 && s >= 0) {
		return saturated(a < 0)
	}
	return s
}

func satMul(a, b int64) int64 {
	hi, lo := bits.Mul64(magnitude(a), magnitude(b))
	if hi != 0 || lo > math.MaxInt64 {
		return saturated((a < 0) != (b < 0))
	}
	if (a < 0) != (b < 0) {
		return -int64(lo)
	}
	return int64(lo)
}

func magnitude(a int64) uint64 {
	if a < 0 {
		return uint64(-(a + 1)) + 1
	}
	return uint64(a)
}

func saturated(negative bool) int64 {
	if negative {
		return -math.MaxInt64
	}
	return math.MaxInt64
}
