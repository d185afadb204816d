package main

import (
	"math"
	"slices"
)

// The truth of each aggregate: that of the plain rows.

func exactCount(g group) float64 { return float64(len(g.rows)) }

func exactUnits(g group) float64 { return float64(len(g.units)) }

func exactSum(g group) (sum float64) {
	for _, r := range g.rows {
		sum += float64(r.Rating)
	}
	return sum
}

func exactMean(g group) float64 { return exactSum(g) / exactCount(g) }
func exactVariance(g group) (sum float64) {
	mean := exactMean(g)
	for _, r := range g.rows {
		sum += (float64(r.Rating) - mean) * (float64(r.Rating) - mean)
	}
	return sum / exactCount(g)
}

func exactDeviation(g group) float64 { return math.Sqrt(exactVariance(g)) }

// exactQuantile is QUANTILE_CONT: at 1 + rank·(n−1) of the sorted rows, linearly
// between two of them.
func exactQuantile(rank float64) func(group) float64 {
	return func(g group) float64 {
		var sorted []float64
		for _, r := range g.rows {
			sorted = append(sorted, float64(r.Rating))
		}
		slices.Sort(sorted)
		at := rank * float64(len(sorted)-1)
		below := int(at)
		above := min(below+1, len(sorted)-1)
		return sorted[below] + (at-float64(below))*(sorted[above]-sorted[below])
	}
}
