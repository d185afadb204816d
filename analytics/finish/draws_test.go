package finish

import (
	"testing"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy/mechanism"
)

// calibrated returns a mechanism with about the given stddev for a count.
func calibrated(t *testing.T, stddev float64) mechanism.Spec {
	t.Helper()
	s, err := mechanism.Calibrate(mechanism.Sensitivity{L0: 1, L1: 1, L2: 1, LInf: 1}, 1/(stddev*stddev))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// wide returns a Gaussian of a large stddev, for values of fine steps.
func wide(t *testing.T, stddev float64) mechanism.Spec {
	t.Helper()
	s, err := mechanism.Calibrate(mechanism.Sensitivity{L0: 1, L1: stddev, L2: stddev, LInf: int64(stddev)}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// exactDraws returns the exact count, sum, squares and tree of some steps.
func exactDraws(q plan.Quantum, steps []int64) [][]int64 {
	square, tree := plan.SquareOf(q), plan.TreeOf(q)
	nodes := make([]int64, tree.Width())
	var sum, squares int64
	for _, s := range steps {
		y := s - q.Centre
		sum += y
		squares += y*y>>square.Shift - square.Centre
		for level, i := tree.Levels, tree.Leaf(s-q.Lo); level >= 1; level, i = level-1, i/tree.Branching {
			nodes[tree.Offset(level)+i]++
		}
	}
	return [][]int64{{int64(len(steps))}, {sum}, {squares}, nodes}
}

// exactVariance returns the variance of a population of whole values.
func exactVariance(steps []int64) float64 {
	var mean, v float64
	for _, s := range steps {
		mean += float64(s) / float64(len(steps))
	}
	for _, s := range steps {
		d := float64(s) - mean
		v += d * d / float64(len(steps))
	}
	return v
}
