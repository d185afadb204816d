package finish

import (
	"math"

	"github.com/noised/noised/analytics/plan"
)

// estimate is one aggregate of one group with its interval.
type estimate struct{ value, low, high plan.Value }

// estimator computes one aggregate of a plan from noised draws.
type estimator interface {
	// kind returns the type of the values.
	kind() plan.Type
	// at returns the aggregate of group g.
	at(g int) estimate
	// expect says how accurate the aggregate of a group of n rows will be. It
	// reads no draw.
	expect(n float64) expectation
}

// expectation is the accuracy of an aggregate before anything is drawn.
type expectation struct {
	low, high float64 // offsets of the interval's ends from the value
	byRows    bool    // whether they depend on the number of rows
	size      float64 // what a relative accuracy is measured by, for the same number of rows
}

// around returns the expectation of an interval of h to either side.
func around(h, size float64) expectation { return expectation{low: -h, high: h, size: size} }

// source is what estimators are made from.
type source struct {
	view  View
	core  *Core
	trees map[int]*noisedTree // by draw, so that aggregates of one tree share what it costs
}

func newSource(v View, core *Core) *source {
	return &source{view: v, core: core, trees: map[int]*noisedTree{}}
}

// estimator returns the estimator of an aggregate whose intervals have the
// given confidence.
func (s *source) estimator(a plan.Agg, confidence float64) estimator {
	switch a.Func {
	case plan.AggSum:
		return s.sum(a, confidence)
	case plan.AggAvg:
		return s.average(a, confidence)
	case plan.AggVarPop, plan.AggVarSamp, plan.AggStddevPop, plan.AggStddevSamp:
		return s.variance(a, confidence)
	case plan.AggQuantile, plan.AggMin, plan.AggMax:
		return s.quantile(a, confidence)
	case plan.AggCount, plan.AggUnits, plan.AggDistinct:
	}
	return &count{noised: s.core.Draws[a.Count], half: s.halfWidth(a.Count, confidence)}
}

func (s *source) halfWidth(draw int, confidence float64) float64 {
	return s.view.Noise[draw].HalfWidth(confidence)
}

// count is COUNT in all its forms.
type count struct {
	noised []int64
	half   float64 // of the interval
}

func (c *count) kind() plan.Type { return plan.Of(plan.KindBigint) }

func (c *count) at(g int) estimate {
	n, h := c.noised[g], int64(c.half)
	in := func(n int64) plan.Value { return plan.IntValue(c.kind(), n) }
	return estimate{in(n), in(satAdd(n, -h)), in(satAdd(n, h))}
}

func (c *count) expect(n float64) expectation { return around(math.Floor(c.half), n) }

// sum is SUM: a draw, plus Centre times a count where the draw is centred.
type sum struct {
	quantum plan.Quantum
	noised  []int64
	count   []int64 // nil unless centred
	half    float64 // of the interval, in steps
}

func (s *source) sum(a plan.Agg, confidence float64) estimator {
	e := &sum{quantum: s.view.Plan.Draws[a.Sum].Quantum, noised: s.core.Draws[a.Sum], half: s.halfWidth(a.Sum, confidence)}
	if e.quantum.Centre != 0 {
		e.count = s.core.Draws[a.Count]
		e.half = combinedHalfWidth(s.view.Noise[a.Sum], s.view.Noise[a.Count], float64(e.quantum.Centre), confidence)
	}
	return e
}

func (e *sum) kind() plan.Type { return SumType(e.quantum) }

// SumType returns the type of a SUM with the given quantum: bigint for whole
// steps, else a decimal with the quantum's scale.
func SumType(q plan.Quantum) plan.Type {
	if q.Scale == 0 {
		return plan.Of(plan.KindBigint)
	}
	return plan.Type{Kind: plan.KindDecimal, Precision: 18, Scale: uint8(q.Scale)}
}

func (e *sum) at(g int) estimate {
	steps := e.noised[g]
	if e.count != nil {
		steps = satAdd(steps, satMul(e.quantum.Centre, e.count[g]))
	}
	h := int64(math.Floor(e.half))
	in := func(steps int64) plan.Value { return plan.IntValue(e.kind(), satMul(steps, e.quantum.Mantissa)) }
	return estimate{in(steps), in(satAdd(steps, -h)), in(satAdd(steps, h))}
}

// expect measures a sum of n rows by n times half of the largest magnitude.
func (e *sum) expect(n float64) expectation {
	largest := max(math.Abs(float64(e.quantum.Lo)), math.Abs(float64(e.quantum.Hi)))
	return around(inUnits(e.quantum, math.Floor(e.half)), inUnits(e.quantum, n*largest/2))
}

// inUnits returns a number of steps in the measure's own unit.
func inUnits(q plan.Quantum, steps float64) float64 {
	return steps * float64(q.Mantissa) / math.Pow10(q.Scale)
}

// average is AVG: Centre + Sum/Count within the bounds, with Fieller's
// interval. Where the count is not clearly positive, every ratio is plausible
// and the interval is the bounds; where it is not positive at all the value is
// their midpoint.
type average struct {
	quantum            plan.Quantum
	sum, count         []int64
	halfSum, halfCount float64
}

func (s *source) average(a plan.Agg, confidence float64) estimator {
	c := ratioConfidence(confidence, s.view.Noise[a.Sum], s.view.Noise[a.Count])
	return &average{
		quantum: s.view.Plan.Draws[a.Sum].Quantum, sum: s.core.Draws[a.Sum], count: s.core.Draws[a.Count],
		halfSum: s.halfWidth(a.Sum, c), halfCount: s.halfWidth(a.Count, c),
	}
}

func (e *average) kind() plan.Type { return plan.Of(plan.KindDouble) }

func (e *average) at(g int) estimate {
	q := e.quantum
	lo, hi := float64(q.Lo-q.Centre), float64(q.Hi-q.Centre)
	in := func(r float64) plan.Value {
		return plan.FloatValue(inUnits(q, float64(q.Centre)+max(lo, min(hi, r))))
	}
	s, n := float64(e.sum[g]), float64(e.count[g])
	value := in((lo + hi) / 2)
	if n > 0 {
		value = in(s / n)
	}
	if r, ok := ratio(s, n, e.halfSum, e.halfCount); ok {
		return estimate{value, in(r.lo), in(r.hi)}
	}
	return estimate{value, in(lo), in(hi)}
}

// expect states the interval where it is widest, at a bound.
func (e *average) expect(n float64) expectation {
	width := float64(e.quantum.Hi - e.quantum.Lo)
	h := width
	if n > e.halfCount {
		h = min(h, math.Hypot(e.halfSum, width/2*e.halfCount)/math.Sqrt(n*n-e.halfCount*e.halfCount))
	}
	x := around(inUnits(e.quantum, h), inUnits(e.quantum, width))
	x.byRows = true
	return x
}
