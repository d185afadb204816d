package main

import (
	"math"
	"slices"

	"github.com/noised/noised/cmd/noised/bench/internal/rival"
)

// The truth of each aggregate: that of the plain rows.

func exactCount(g rival.Group) float64 { return float64(len(g.Rows)) }

func exactUnits(g rival.Group) float64 { return float64(len(g.Units)) }

func exactSum(g rival.Group) (sum float64) {
	for _, r := range g.Rows {
		sum += float64(r.Rating)
	}
	return sum
}

func exactMean(g rival.Group) float64 { return exactSum(g) / exactCount(g) }

func exactVariance(g rival.Group) (sum float64) {
	mean := exactMean(g)
	for _, r := range g.Rows {
		sum += (float64(r.Rating) - mean) * (float64(r.Rating) - mean)
	}
	return sum / exactCount(g)
}

func exactDeviation(g rival.Group) float64 { return math.Sqrt(exactVariance(g)) }

// exactQuantile is QUANTILE_CONT: at 1 + rank·(n−1) of the sorted rows, linearly
// between two of them.
func exactQuantile(rank float64) func(rival.Group) float64 {
	return func(g rival.Group) float64 {
		var sorted []float64
		for _, r := range g.Rows {
			sorted = append(sorted, float64(r.Rating))
		}
		slices.Sort(sorted)
		at := rank * float64(len(sorted)-1)
		below := int(at)
		above := min(below+1, len(sorted)-1)
		return sorted[below] + (at-float64(below))*(sorted[above]-sorted[below])
	}
}
