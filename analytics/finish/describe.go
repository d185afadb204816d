package finish

import (
	"fmt"
	"math"
	"strconv"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/result"
	"github.com/noised/noised/privacy/mechanism"
)

// column describes an output before its values are known.
func (f *finisher) column(o plan.Output) result.Column {
	c := result.Column{Name: o.Name, Type: typeOf(o.Expr, f.view.Plan.Keys, f.types), Mechanism: result.Public}
	used := aggsOf(o.Expr)
	if len(used) == 0 {
		if k, ok := o.Expr.(*plan.KeyRef); ok && f.view.Plan.Secret() && f.view.Plan.Keys[k.Index].Secret() {
			c.Mechanism = result.PartitionSelection
		}
		return c
	}
	c.Mechanism = f.mechanismOf(used)
	if a, ok := o.Expr.(*plan.AggRef); ok {
		f.describe(&c, f.view.Plan.Aggs[a.Index])
	}
	return c
}

// mechanismOf names the noise of a column: that of a tree as soon as an
// aggregate is of one, else Gaussian as soon as one of its draws is.
func (f *finisher) mechanismOf(aggs []int) result.Mechanism {
	m := result.Laplace
	for _, i := range aggs {
		a := f.view.Plan.Aggs[i]
		if a.Tree >= 0 {
			return result.QuantileTree
		}
		for _, d := range a.Draws() {
			if f.view.Noise[d].Kind == mechanism.Gaussian {
				m = result.Gaussian
			}
		}
	}
	return m
}

// describe adds the facts of a bare aggregate. Only counts and sums have a
// stddev of their own: the error of the others depends on the count and the
// values, and their intervals say how. What is an average, a variance or lies
// between two values is a multiple of nothing.
func (f *finisher) describe(c *result.Column, a plan.Agg) {
	draws, noise := f.view.Plan.Draws, f.view.Noise
	switch a.Func {
	case plan.AggCount, plan.AggUnits, plan.AggDistinct:
		c.Stddev = formatFloat(noise[a.Count].Stddev)
		c.Bounds, c.Quantum = "[0, 1]", "1"
	case plan.AggSum:
		q := draws[a.Sum].Quantum
		sd := noise[a.Sum].Stddev
		if q.Centre != 0 {
			sd = math.Hypot(sd, float64(q.Centre)*noise[a.Count].Stddev)
		}
		c.Stddev, c.Bounds, c.Quantum = formatFloat(inUnits(q, sd)), boundsOf(q), formatFloat(inUnits(q, 1))
	case plan.AggAvg, plan.AggVarPop, plan.AggVarSamp, plan.AggStddevPop, plan.AggStddevSamp:
		c.Bounds = boundsOf(draws[a.Sum].Quantum)
	case plan.AggQuantile:
		c.Bounds = boundsOf(draws[a.Tree].Quantum)
	case plan.AggMin, plan.AggMax:
		q := draws[a.Tree].Quantum
		c.Bounds, c.Quantum = boundsOf(q), formatFloat(inUnits(q, 1))
	}
}

func boundsOf(q plan.Quantum) string {
	return fmt.Sprintf("[%s, %s]", formatFloat(inUnits(q, float64(q.Lo))), formatFloat(inUnits(q, float64(q.Hi))))
}

func formatFloat(x float64) string { return strconv.FormatFloat(x, 'g', 10, 64) }
