package estimate

import (
	"math"
	"sort"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/treefit"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/mechanism"
)

// noisedTree is a tree draw with what is derived from one group of it at a
// time.
type noisedTree struct {
	model   *treefit.Model
	quantum plan.Quantum
	noise   mechanism.Spec
	draws   []int64

	group int       // that the rest is of; −1 for none
	cum   []float64 // rows before each boundary, unbiased
	ranks []float64 // the same without negative counts, so that it never decreases
}

func (s *Source) tree(draw int) *noisedTree {
	if t, ok := s.trees[draw]; ok {
		return t
	}
	d := s.plan.Draws[draw]
	t := &noisedTree{
		model: treefit.New(d.Tree), quantum: d.Quantum, noise: s.noise[draw], draws: s.draws[draw], group: -1,
	}
	s.trees[draw] = t
	return t
}

// turnTo derives the ranks of a group.
func (t *noisedTree) turnTo(g int) {
	if t.group == g {
		return
	}
	width := t.model.Width()
	nodes := make([]float64, width)
	for i, n := range t.draws[g*width : (g+1)*width] {
		nodes[i] = float64(n)
	}
	t.take(nodes)
	t.group = g
}

func (t *noisedTree) take(nodes []float64) {
	t.cum, t.ranks = t.model.Cumulative(nodes)
	t.group = -1
}

// rows returns the estimated number of rows, at least 0.
func (t *noisedTree) rows() float64 { return t.ranks[len(t.ranks)-1] }

// leafWith returns the first leaf behind which there are at least r rows, or all.
func (t *noisedTree) leafWith(r float64) int {
	r = min(r, t.rows())
	return sort.Search(t.model.Leaves-1, func(k int) bool { return t.ranks[k+1] >= r })
}

// leafSteps returns the first and the last step of a leaf.
func (t *noisedTree) leafSteps(leaf int) (first, last float64) {
	from := t.quantum.Lo + int64(leaf)*t.model.StepsPerLeaf
	return float64(from), float64(min(from+t.model.StepsPerLeaf-1, t.quantum.Hi))
}

// evenly sets the tree to n rows that are spread evenly between the bounds.
func (t *noisedTree) evenly(n float64) {
	nodes, offset := make([]float64, t.model.Width()), make([]int, t.model.Levels+1)
	for level := 1; level <= t.model.Levels; level++ {
		offset[level] = t.model.Offset(level)
	}
	for leaf := range t.model.Leaves {
		first, last := t.leafSteps(leaf)
		rows := n * (last - first + 1) / float64(t.quantum.Hi-t.quantum.Lo+1)
		for level, i := t.model.Levels, leaf; level >= 1; level, i = level-1, i/t.model.Branching {
			nodes[offset[level]+i] += rows
		}
	}
	t.take(nodes)
}

// stepOfRank returns where the row of a whole rank stands, from 1. A rank lies
// in the leaf where the number of rows passes rank − ½, so that noise of less
// than a half changes nothing; within a leaf of several steps rows are taken to
// be spread evenly.
func (t *noisedTree) stepOfRank(rank float64) float64 {
	leaf := t.leafWith(rank - 0.5)
	first, last := t.leafSteps(leaf)
	before, inside := t.ranks[leaf], t.ranks[leaf+1]-t.ranks[leaf]
	if first == last || inside <= 0 {
		return first + (last-first)/2
	}
	return first + (last-first)*max(0, min(1, (rank-0.5-before)/inside))
}

// quantileStep returns the quantile q as QUANTILE_CONT defines it: at the
// position 1 + q·(n−1) of the sorted rows, linearly between two of them. It does
// not decrease in q.
func (t *noisedTree) quantileStep(q float64) float64 {
	n := max(1, math.Round(t.rows()))
	at := 1 + q*(n-1)
	rank := math.Floor(at)
	step := t.stepOfRank(rank)
	if part := at - rank; part > 0 {
		step += part * (t.stepOfRank(rank+1) - step)
	}
	return step
}

// quantile is QUANTILE_CONT, MEDIAN, MIN and MAX.
//
// Its interval holds for the bounded rows whatever their distribution. Let F(k)
// be the number of rows before leaf k. The row of rank ⌊1 + q(n−1)⌋ lies in the
// first leaf k with F(k+1) > q(n−1), and that of the next rank in a leaf k with
// F(k) < 1 + q(n−1). Each is one statement about one boundary, whose estimate
// F̂(k) − q·n̂ misses by more than h_k with probability at most (1 − confidence)/2.
// So the interval from the first leaf with F̂(k+1) − q·n̂ ≥ −q − h to the last
// with F̂(k) − q·n̂ ≤ 1 − q + h covers both rows, and no more than one boundary on
// each side has to hold. As counts are whole, both ends move in by rankGap.
type quantile struct {
	*noisedTree
	fn    plan.AggFunc
	q     float64
	gap   float64
	half  []float64 // h by boundary
	clear []float64 // MIN and MAX: how many rows stand out of the noise, by boundary
}

// clearConfidence is that of the noise which MIN and MAX look beyond. It does
// not follow the view's, which must not move values.
const clearConfidence = 0.95

func (s *Source) quantile(a plan.Agg, confidence float64) Estimator {
	e := &quantile{noisedTree: s.tree(a.Tree), fn: a.Func, q: a.Q}
	switch a.Func {
	case plan.AggMin:
		e.q = 0
	case plan.AggMax:
		e.q = 1
	default:
	}
	e.gap = rankGap(e.q)
	tail := (1 - confidence) / 2
	silent := e.noise.HalfWidth(1-tail/float64(e.model.Width())) == 0 // no node has any noise
	half := linearHalfWidth(e.noise, tail)
	z := privacy.NormalUpperQuantile((1 - clearConfidence) / 2)
	for _, v := range e.model.RankVariances(e.q) {
		if silent {
			v = 0
		}
		e.half = append(e.half, half(v))
		e.clear = append(e.clear, max(0.5, z*e.noise.Stddev*math.Sqrt(v)))
	}
	return e
}

// rankGap returns a number below every positive difference between F and
// q(n−1), for whole F and n: half of 1/b where q is a fraction with denominator b.
// Where q has none that is small, what float64 may be off is all that is left.
func rankGap(q float64) float64 {
	for b := 1.0; b <= 100; b++ {
		if math.Abs(q*b-math.Round(q*b)) < 1e-9 {
			return 0.5 / b
		}
	}
	return -1e-6
}

// Kind implements Estimator.
func (e *quantile) Kind() plan.Type { return plan.Of(plan.KindDouble) }

// At implements Estimator.
func (e *quantile) At(g int) Estimate {
	e.turnTo(g)
	value := e.step()
	low, high := e.span()
	in := func(steps float64) plan.Value { return plan.FloatValue(inUnits(e.quantum, steps)) }
	return Estimate{in(value), in(min(low, value)), in(max(high, value))}
}

// step returns the value, in steps. Where no row is there by the noised count,
// it is the middle of the bounds.
func (e *quantile) step() float64 {
	if e.rows() < 0.5 {
		return float64(e.quantum.Lo) + float64(e.quantum.Hi-e.quantum.Lo)/2
	}
	switch e.fn {
	case plan.AggMin:
		return e.least()
	case plan.AggMax:
		return e.largest()
	default:
		return e.quantileStep(e.q)
	}
}

// least returns the first step of the first leaf up to which clearly more rows
// were counted than noise makes up: as many as the half-width of the noise of
// that count at 95 %, or as lie below the median where these are too few to stand
// out. So MIN ≤ MEDIAN ≤ MAX, and a lone extreme row is not found, as it must not
// be.
func (e *quantile) least() float64 {
	below, _ := e.middle()
	leaf := 0
	for leaf < e.model.Leaves-1 && e.ranks[leaf+1] < min(e.clear[leaf+1], below) {
		leaf++
	}
	first, _ := e.leafSteps(leaf)
	return first
}

// largest is the mirror image of least.
func (e *quantile) largest() float64 {
	_, above := e.middle()
	leaf := e.model.Leaves - 1
	for leaf > 0 && e.rows()-e.ranks[leaf] <= min(e.clear[leaf], above) {
		leaf--
	}
	_, last := e.leafSteps(leaf)
	return last
}

// middle returns how many rows are at least counted up to the leaf of the lower
// median, and more than how many from the leaf of the upper one on.
func (e *quantile) middle() (below, above float64) {
	n := max(1, math.Round(e.rows()))
	below = math.Floor((n+1)/2) - 0.5
	return below, below + min(0, e.rows()-n)
}

// span returns the steps between which the quantile of the bounded rows lies
// with the confidence.
func (e *quantile) span() (low, high float64) {
	leaves, n := e.model.Leaves, e.cum[e.model.Leaves]
	from, to := 0, leaves-1
	for k := range leaves {
		if e.cum[k+1]-e.q*n >= e.gap-e.q-e.half[k+1] {
			from = k
			break
		}
	}
	for k := leaves - 1; k >= 0; k-- {
		if e.cum[k]-e.q*n <= 1-e.gap-e.q+e.half[k] {
			to = k
			break
		}
	}
	low, _ = e.leafSteps(from)
	_, high = e.leafSteps(to)
	return low, high
}

// Expect implements Estimator. It is for rows that are spread evenly between the bounds.
func (e *quantile) Expect(n float64) Expectation {
	e.evenly(n)
	value := e.step()
	low, high := e.span()
	return Expectation{
		Low: inUnits(e.quantum, min(0, low-value)), High: inUnits(e.quantum, max(0, high-value)),
		ByRows: true, Size: inUnits(e.quantum, float64(e.quantum.Hi-e.quantum.Lo)),
	}
}
