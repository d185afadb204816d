package estimate

import (
	"math"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/scalar"
	"github.com/noised/noised/privacy/mechanism"
)

// Estimate is one aggregate of one group with its interval.
type Estimate struct{ Value, Low, High plan.Value }

// Estimator computes one aggregate of a plan from noised draws.
type Estimator interface {
	// Kind returns the type of the values.
	Kind() plan.Type
	// At returns the aggregate of group g.
	At(g int) Estimate
	// Expect says how accurate the aggregate of a group of n rows will be. It
	// reads no draw.
	Expect(n float64) Expectation
}

// Expectation is the accuracy of an aggregate before anything is drawn.
type Expectation struct {
	Low, High float64 // offsets of the interval's ends from the value
	ByRows    bool    // whether they depend on the number of rows
	Size      float64 // what a relative accuracy is measured by, for the same number of rows
}

// around returns the expectation of an interval of h to either side.
func around(h, size float64) Expectation { return Expectation{Low: -h, High: h, Size: size} }

// Source is what estimators are made from.
type Source struct {
	plan  *plan.Bound
	noise []mechanism.Spec    // one per draw
	draws [][]int64           // one per draw: [group·Width + node]
	trees map[int]*noisedTree // by draw, so that aggregates of one tree share what it costs
}

// New returns the source for a plan, the noise of its draws, and what was
// drawn: for each draw, Width integers per group, group by group. A draw may be
// nil where accuracy is all that is asked for.
func New(b *plan.Bound, noise []mechanism.Spec, draws [][]int64) *Source {
	return &Source{plan: b, noise: noise, draws: draws, trees: map[int]*noisedTree{}}
}

// Estimator returns the Estimator of an aggregate whose intervals have the
// given confidence.
func (s *Source) Estimator(a plan.Agg, confidence float64) Estimator {
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
	return &count{noised: s.draws[a.Count], half: s.halfWidth(a.Count, confidence)}
}

func (s *Source) halfWidth(draw int, confidence float64) float64 {
	return s.noise[draw].HalfWidth(confidence)
}

// count is COUNT in all its forms.
type count struct {
	noised []int64
	half   float64 // of the interval
}

// Kind implements Estimator.
func (c *count) Kind() plan.Type { return plan.Of(plan.KindBigint) }

// At implements Estimator.
func (c *count) At(g int) Estimate {
	n, h := c.noised[g], int64(c.half)
	in := func(n int64) plan.Value { return plan.IntValue(c.Kind(), n) }
	return Estimate{in(n), in(scalar.Add(n, -h)), in(scalar.Add(n, h))}
}

// Expect implements Estimator.
func (c *count) Expect(n float64) Expectation { return around(math.Floor(c.half), n) }

// sum is SUM: a draw, plus Centre times a count where the draw is centred.
type sum struct {
	quantum plan.Quantum
	noised  []int64
	count   []int64 // nil unless centred
	half    float64 // of the interval, in steps
}

func (s *Source) sum(a plan.Agg, confidence float64) Estimator {
	e := &sum{quantum: s.plan.Draws[a.Sum].Quantum, noised: s.draws[a.Sum], half: s.halfWidth(a.Sum, confidence)}
	if e.quantum.Centre != 0 {
		e.count = s.draws[a.Count]
		e.half = combinedHalfWidth(s.noise[a.Sum], s.noise[a.Count], float64(e.quantum.Centre), confidence)
	}
	return e
}

// Kind implements Estimator.
func (e *sum) Kind() plan.Type { return SumType(e.quantum) }

// SumType returns the type of a SUM with the given quantum: bigint for whole
// steps, else a decimal with the quantum's scale.
func SumType(q plan.Quantum) plan.Type {
	if q.Scale == 0 {
		return plan.Of(plan.KindBigint)
	}
	return plan.Type{Kind: plan.KindDecimal, Precision: 18, Scale: uint8(q.Scale)}
}

// At implements Estimator.
func (e *sum) At(g int) Estimate {
	steps := e.noised[g]
	if e.count != nil {
		steps = scalar.Add(steps, scalar.Mul(e.quantum.Centre, e.count[g]))
	}
	h := int64(math.Floor(e.half))
	in := func(steps int64) plan.Value { return plan.IntValue(e.Kind(), scalar.Mul(steps, e.quantum.Mantissa)) }
	return Estimate{in(steps), in(scalar.Add(steps, -h)), in(scalar.Add(steps, h))}
}

// Expect implements Estimator. It measures a sum of n rows by n times half of the largest magnitude.
func (e *sum) Expect(n float64) Expectation {
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

func (s *Source) average(a plan.Agg, confidence float64) Estimator {
	c := ratioConfidence(confidence, s.noise[a.Sum], s.noise[a.Count])
	return &average{
		quantum: s.plan.Draws[a.Sum].Quantum, sum: s.draws[a.Sum], count: s.draws[a.Count],
		halfSum: s.halfWidth(a.Sum, c), halfCount: s.halfWidth(a.Count, c),
	}
}

// Kind implements Estimator.
func (e *average) Kind() plan.Type { return plan.Of(plan.KindDouble) }

// At implements Estimator.
func (e *average) At(g int) Estimate {
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
		return Estimate{value, in(r.lo), in(r.hi)}
	}
	return Estimate{value, in(lo), in(hi)}
}

// Expect implements Estimator. It states the interval where it is widest, at a bound.
func (e *average) Expect(n float64) Expectation {
	width := float64(e.quantum.Hi - e.quantum.Lo)
	h := width
	if n > e.halfCount {
		h = min(h, math.Hypot(e.halfSum, width/2*e.halfCount)/math.Sqrt(n*n-e.halfCount*e.halfCount))
	}
	x := around(inUnits(e.quantum, h), inUnits(e.quantum, width))
	x.ByRows = true
	return x
}
