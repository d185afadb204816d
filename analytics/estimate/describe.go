package estimate

import (
	"fmt"
	"math"
	"strconv"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/result"
	"github.com/noised/noised/privacy/mechanism"
)

// Mechanism names the noise of what is made of the given aggregates of the
// plan: that of a tree as soon as an aggregate is of one, else Gaussian as soon
// as one of its draws is.
func (s *Source) Mechanism(aggs []int) result.Mechanism {
	m := result.Laplace
	for _, i := range aggs {
		a := s.plan.Aggs[i]
		if a.Tree >= 0 {
			return result.QuantileTree
		}
		for _, d := range a.Draws() {
			if s.noise[d].Kind == mechanism.Gaussian {
				m = result.Gaussian
			}
		}
	}
	return m
}

// Describe adds the facts of a bare aggregate to its column. Only counts and
// sums have a stddev of their own: the error of the others depends on the count
// and the values, and their intervals say how. What is an average, a variance or
// lies between two values is a multiple of nothing.
func (s *Source) Describe(c *result.Column, a plan.Agg) {
	draws, noise := s.plan.Draws, s.noise
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
