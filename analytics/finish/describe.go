package finish

import (
	"fmt"
	"math"
	"strconv"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/result"
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

// mechanismOf names the noise of a column: Gaussian as soon as one of its draws
// is.
func (f *finisher) mechanismOf(aggs []int) result.Mechanism {
	m := result.Laplace
	for _, i := range aggs {
		for _, d := range []int{f.view.Plan.Aggs[i].Count, f.view.Plan.Aggs[i].Sum} {
			if d >= 0 && string(f.view.Noise[d].Kind) == string(result.Gaussian) {
				m = result.Gaussian
			}
		}
	}
	return m
}

// describe adds the facts of a bare aggregate's noise. AVG has no stddev of its
// own: its error depends on the count, and its intervals say how.
func (f *finisher) describe(c *result.Column, a plan.Agg) {
	switch a.Func {
	case plan.AggCount, plan.AggUnits:
		c.Stddev = formatFloat(f.view.Noise[a.Count].Stddev)
		c.Bounds, c.Quantum = "[0, 1]", "1"
	case plan.AggSum, plan.AggAvg:
		q := f.view.Plan.Draws[a.Sum].Quantum
		unit := float64(q.Mantissa) / math.Pow10(q.Scale)
		c.Bounds = fmt.Sprintf("[%s, %s]", formatFloat(float64(q.Lo)*unit), formatFloat(float64(q.Hi)*unit))
		if a.Func == plan.AggAvg {
			return
		}
		sd := f.view.Noise[a.Sum].Stddev
		if q.Centre != 0 {
			sd = math.Hypot(sd, float64(q.Centre)*f.view.Noise[a.Count].Stddev)
		}
		c.Stddev, c.Quantum = formatFloat(sd*unit), formatFloat(unit)
	}
}

func formatFloat(x float64) string { return strconv.FormatFloat(x, 'g', 10, 64) }
