package estimate

import (
	"math"

	"github.com/noised/noised/analytics/plan"
)

// variance is VAR_POP, VAR_SAMP and their roots, from three draws: the count
// N, the sum S of y, and the sum Q of (y² >> shift) − C, for the distance y of a
// row from the centre in steps. With k = 2^shift, E[y²] is k·(Q/N + C) and what
// the shift drops: half of k − 1 on average, never more than k − 1.
//
// The value is E[y²] − E[y]², at least 0 and at most a quarter of the squared
// width of the bounds; VAR_SAMP is that times n/(n−1). Where there are no rows by
// the noised count (for VAR_SAMP: not two), it is half of the largest variance
// of a population. STDDEV is the root of VAR in every case.
type variance struct {
	quantum             plan.Quantum
	square              plan.Square
	count, sum, squares []int64
	sample, root        bool

	mean   [2]float64 // half-widths of sum and count for the interval of the mean
	around [3]float64 // half-widths of squares, sum and count for that of the variance around it
	rows   float64    // half-width of the count, for n/(n−1)
}

// variance splits the failure probability: nine tenths to the variance around
// the mean, or eight for samples, and a tenth each to where the mean lies and to
// the factor n/(n−1), which move the variance by terms of second order only.
func (s *Source) variance(a plan.Agg, confidence float64) Estimator {
	noise := s.noise
	e := &variance{
		quantum: s.plan.Draws[a.Sum].Quantum, square: s.plan.Draws[a.Square].Square,
		count: s.draws[a.Count], sum: s.draws[a.Sum], squares: s.draws[a.Square],
		sample: a.Func == plan.AggVarSamp || a.Func == plan.AggStddevSamp,
		root:   a.Func == plan.AggStddevPop || a.Func == plan.AggStddevSamp,
	}
	fails, main := 1-confidence, 0.9
	if e.sample {
		main = 0.8
		e.rows = s.halfWidth(a.Count, 1-fails*0.1)
	}
	at := ratioConfidence(1-fails*0.1, noise[a.Sum], noise[a.Count])
	e.mean = [2]float64{s.halfWidth(a.Sum, at), s.halfWidth(a.Count, at)}
	at = ratioConfidence(1-fails*main, noise[a.Square], noise[a.Sum], noise[a.Count])
	e.around = [3]float64{s.halfWidth(a.Square, at), s.halfWidth(a.Sum, at), s.halfWidth(a.Count, at)}
	return e
}

// Kind implements Estimator.
func (e *variance) Kind() plan.Type { return plan.Of(plan.KindDouble) }

// At implements Estimator.
func (e *variance) At(g int) Estimate {
	n, s, q := float64(e.count[g]), float64(e.sum[g]), float64(e.squares[g])
	r := e.span(n, s, q)
	return Estimate{plan.FloatValue(e.inUnits(e.value(n, s, q))), plan.FloatValue(e.inUnits(r.lo)), plan.FloatValue(e.inUnits(r.hi))}
}

// inUnits returns a variance in squared steps in the measure's own unit, or its
// root.
func (e *variance) inUnits(v float64) float64 {
	if e.root {
		return inUnits(e.quantum, math.Sqrt(v))
	}
	return inUnits(e.quantum, inUnits(e.quantum, v))
}

// largest returns the largest variance of a population within the bounds, in
// squared steps.
func (e *variance) largest() float64 {
	half := float64(e.quantum.Hi-e.quantum.Lo) / 2
	return half * half
}

// unshifted returns k, and what is added to k·Q/N for E[y²].
func (e *variance) unshifted() (k, add float64) {
	k = float64(int64(1) << e.square.Shift)
	return k, k*float64(e.square.Centre) + (k-1)/2
}

func (e *variance) value(n, s, q float64) float64 {
	if n <= 0 || e.sample && n <= 1 {
		return e.largest() / 2
	}
	k, add := e.unshifted()
	v := max(0, min(e.largest(), k*q/n+add-s/n*(s/n)))
	if e.sample {
		v *= n / (n - 1)
	}
	return v
}

// span returns the interval of the variance in squared steps; where the count
// is not clear it is all that is possible.
//
// For the exact mean m, and only for it, V = E[(y−m)²] is linear in the draws:
// V = m² + add + (k·Q − 2m·S)/N, a ratio whose interval for given m is Fieller's
// as for AVG. The exact m is not known, but lies in M, its own interval. So V
// lies between the least lower and the largest upper end over m in M. With
// c = k·Q − 2m·S, h = ‖(k·h_Q, 2m·h_S)‖ and a = N² − h_N², these ends are
//
//	m² + add + (c·N ∓ √(a·h² + c²·h_N²)) / a.
//
// The root is the length of an affine function of m, hence convex, and so is the
// upper end: both are largest at an end of M. The first part of the lower end is
// a parabola with its bottom at m = S·N/a.
func (e *variance) span(n, s, q float64) span {
	k, add := e.unshifted()
	hn := e.around[2]
	a := n*n - hn*hn
	m, ok := ratio(s, n, e.mean[0], e.mean[1])
	if !ok || a <= 0 || e.sample && n-e.rows <= 1 {
		return e.possible()
	}
	middle := func(m float64) float64 { return m*m + add + (k*q-2*m*s)*n/a }
	reach := func(m float64) float64 {
		c := k*q - 2*m*s
		h := math.Hypot(k*e.around[0], 2*m*e.around[1])
		return math.Hypot(math.Sqrt(a)*h, c*hn) / a
	}
	widest := max(reach(m.lo), reach(m.hi))
	bottom := max(m.lo, min(m.hi, s*n/a))
	slack := (k - 1) / 2
	out := span{
		lo: middle(bottom) - widest - slack,
		hi: max(middle(m.lo)+reach(m.lo), middle(m.hi)+reach(m.hi)) + slack,
	}
	in := func(v float64) float64 { return max(0, min(e.largest(), v)) }
	out = span{in(out.lo), in(out.hi)}
	if e.sample { // n/(n−1) falls in n
		out.lo *= (n + e.rows) / (n + e.rows - 1)
		out.hi *= (n - e.rows) / (n - e.rows - 1)
	}
	return out
}

// possible returns all variances within the bounds; of a sample of two rows,
// twice those of a population.
func (e *variance) possible() span {
	if e.sample {
		return span{0, 2 * e.largest()}
	}
	return span{0, e.largest()}
}

// Expect implements Estimator. It is for rows that are spread evenly between the bounds.
func (e *variance) Expect(n float64) Expectation {
	k, add := e.unshifted()
	steps := float64(e.quantum.Hi - e.quantum.Lo + 1)
	mean := float64(e.quantum.Lo-e.quantum.Centre) + (steps-1)/2
	q := n * ((steps*steps-1)/12 + mean*mean - add) / k
	value, r := e.value(n, mean*n, q), e.span(n, mean*n, q)
	return Expectation{
		Low: e.inUnits(r.lo) - e.inUnits(value), High: e.inUnits(r.hi) - e.inUnits(value),
		ByRows: true, Size: e.inUnits(e.largest()),
	}
}
