package main

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
