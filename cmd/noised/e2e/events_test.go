//go:build audit

package e2e

import (
	"math"
	"slices"
	"testing"
)

// leastMu returns a lower bound on μ for samples of one output under D and under
// D′: with probability at least 1 − auditAlpha no mechanism that is μ-GDP for a
// smaller μ gives them. For every event S, μ-GDP implies
// P(S | D) ≤ Φ(Φ⁻¹(P(S | D′)) + μ) (Dong, Roth, Su 2019); here S runs over
// the half lines at the quantiles of all samples, to both sides and with D and
// D′ in both places, each with Clopper–Pearson bounds at its share of α.
func leastMu(d, other []float64) float64 {
	d, other = slices.Sorted(slices.Values(d)), slices.Sorted(slices.Values(other))
	pooled := slices.Sorted(slices.Values(slices.Concat(d, other)))
	const events = 39
	alpha := auditAlpha / (events * 4 * 2)
	worst := math.Inf(-1)
	for i := 1; i <= events; i++ {
		at := pooled[len(pooled)*i/(events+1)]
		k, l := below(d, at), below(other, at)
		for _, e := range [][4]int{
			{k, len(d), l, len(other)}, {len(d) - k, len(d), len(other) - l, len(other)},
			{l, len(other), k, len(d)}, {len(other) - l, len(other), len(d) - k, len(d)},
		} {
			worst = max(worst, normalQuantile(lowerRate(e[0], e[1], alpha))-normalQuantile(upperRate(e[2], e[3], alpha)))
		}
	}
	return worst
}

// below counts the values of a sorted slice that are less than at.
func below(sorted []float64, at float64) int {
	n, _ := slices.BinarySearch(sorted, at)
	return n
}

// lowerRate and upperRate are the one-sided Clopper–Pearson bounds: the rate p
// at which k or more (fewer) of n happen with probability alpha.
func lowerRate(k, n int, alpha float64) float64 {
	if k == 0 {
		return 0
	}
	return bisect(func(p float64) bool { return binomialTail(k, n, p) > alpha })
}

func upperRate(k, n int, alpha float64) float64 { return 1 - lowerRate(n-k, n, alpha) }

// bisect returns the p in (0, 1) from which on an increasing condition holds.
func bisect(holds func(p float64) bool) float64 {
	lo, hi := 0.0, 1.0
	for range 60 {
		if mid := (lo + hi) / 2; holds(mid) {
			hi = mid
		} else {
			lo = mid
		}
	}
	return lo
}

// binomialTail returns P(X ≥ k) for X ~ Binomial(n, p): the regularised
// incomplete beta function I_p(k, n−k+1), by its continued fraction (Abramowitz
// and Stegun 26.5.8, evaluated as Lentz does).
func binomialTail(k, n int, p float64) float64 {
	a, b := float64(k), float64(n-k+1)
	if p <= 0 {
		return 0
	}
	if p >= 1 {
		return 1
	}
	if p > (a+1)/(a+b+2) {
		return 1 - betaFraction(b, a, 1-p)
	}
	return betaFraction(a, b, p)
}

func betaFraction(a, b, x float64) float64 {
	lab, _ := math.Lgamma(a + b)
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	front := math.Exp(lab-la-lb+a*math.Log(x)+b*math.Log1p(-x)) / a
	const tiny = 1e-300
	f, c, d := 1.0, 1.0, 0.0
	for i := 0; i <= 5000; i++ {
		m := float64(i / 2)
		var term float64
		switch {
		case i == 0:
			term = 1
		case i%2 == 0:
			term = m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		default:
			term = -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		}
		d = 1 + term*d
		if math.Abs(d) < tiny {
			d = tiny
		}
		c = 1 + term/c
		if math.Abs(c) < tiny {
			c = tiny
		}
		d = 1 / d
		f *= c * d
		if math.Abs(1-c*d) < 1e-12 {
			break
		}
	}
	return front * (f - 1)
}

func normalQuantile(p float64) float64 {
	switch {
	case p <= 0:
		return math.Inf(-1)
	case p >= 1:
		return math.Inf(1)
	}
	return -math.Sqrt2 * math.Erfcinv(2*p)
}

// TestAuditEventPower holds the audit itself to account: on exact Gaussian
// frequencies of 2·10^5 samples a side it must flag a mechanism whose true ε is
// 1.11 where 1 was declared, and must not flag the declared one.
func TestAuditEventPower(t *testing.T) {
	const n = 200_000
	declared, worse := muOf(1, 1e-2), muOf(1.11, 1e-2)
	quantiles := func(shift float64) []float64 {
		out := make([]float64, n)
		for i := range out {
			out[i] = normalQuantile((float64(i)+0.5)/n) + shift
		}
		return out
	}
	if got := leastMu(quantiles(declared), quantiles(0)); got > declared {
		t.Errorf("the declared μ of %.4f is flagged: at least %.4f", declared, got)
	}
	got := leastMu(quantiles(worse), quantiles(0))
	if got <= declared {
		t.Errorf("a μ of %.4f passes for %.4f: at least %.4f", worse, declared, got)
	}
	verdict(t, "event-power", 2*n, "above "+figure(declared), got)
}

// muOf returns the μ at which the Gaussian mechanism is exactly (ε, δ)-DP.
func muOf(epsilon, delta float64) float64 {
	normal := func(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }
	lo, hi := 0.0, 100.0
	for range 200 {
		mu := (lo + hi) / 2
		if normal(-epsilon/mu+mu/2)-math.Exp(epsilon)*normal(-epsilon/mu-mu/2) <= delta {
			lo = mu
		} else {
			hi = mu
		}
	}
	return lo
}
