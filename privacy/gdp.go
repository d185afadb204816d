package privacy

import "math"

// normalCDF is Φ, through erfc, which keeps full relative accuracy in the
// lower tail.
func normalCDF(x float64) float64 { return 0.5 * math.Erfc(-x/math.Sqrt2) }

// NormalUpperQuantile returns Φ̄⁻¹(p), the z with P(N(0,1) > z) = p, rounded up;
// infinities for p outside (0, 1), NaN for NaN. It bisects on ln Φ(−z): the
// standard library's Erfcinv goes through 1 − p and is wrong in the tail, where
// thresholds live.
func NormalUpperQuantile(p float64) float64 {
	switch {
	case math.IsNaN(p):
		return math.NaN()
	case p <= 0:
		return math.Inf(1)
	case p >= 1:
		return math.Inf(-1)
	}
	return upperQuantileOfLog(math.Log(p))
}

// upperQuantileOfLog returns the z with ln P(N(0,1) > z) = logP, rounded up, for
// probabilities that a float64 need not hold.
func upperQuantileOfLog(logP float64) float64 {
	lo, hi := -40.0, 40.0
	for logNormalCDF(-hi) > logP && hi < 1e9 {
		hi *= 2
	}
	for range 200 {
		mid := (lo + hi) / 2
		if mid <= lo || mid >= hi {
			break
		}
		if logNormalCDF(-mid) > logP {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hi
}

// DeltaOf returns the smallest δ such that a μ-GDP mechanism is (ε, δ)-DP:
//
//	δ(ε) = Φ(−ε/μ + μ/2) − e^ε·Φ(−ε/μ − μ/2)
//
// Dong, Roth, Su 2019, Corollary 2.13; Balle, Wang 2018, Theorem 8. The second
// term is computed in logarithms so that e^ε does not overflow.
func DeltaOf(epsilon, mu float64) float64 {
	if mu <= 0 {
		return 0
	}
	a := normalCDF(-epsilon/mu + mu/2)
	b := math.Exp(epsilon + logNormalCDF(-epsilon/mu-mu/2))
	return math.Max(0, a-b)
}

// logNormalCDF is ln Φ(x), by the asymptotic series where Φ itself underflows.
func logNormalCDF(x float64) float64 {
	if x > -35 {
		return math.Log(normalCDF(x))
	}
	x2 := x * x
	return -x2/2 - math.Log(-x*math.Sqrt(2*math.Pi)) + math.Log1p(-1/x2+3/(x2*x2)-15/(x2*x2*x2))
}

// MuOf returns the largest μ such that a μ-GDP mechanism is (ε, δ)-DP. The
// result is rounded towards smaller μ (less loss).
func MuOf(l Loss) float64 {
	lo, hi := 0.0, 1.0
	for DeltaOf(l.Epsilon, hi) <= l.Delta && hi < 1e4 {
		hi *= 2
	}
	for range 200 {
		mid := (lo + hi) / 2
		if mid <= lo || mid >= hi {
			break
		}
		if DeltaOf(l.Epsilon, mid) <= l.Delta {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

// EpsilonOf returns the smallest ε such that a μ-GDP mechanism is (ε, δ)-DP,
// rounded up.
func EpsilonOf(mu, delta float64) float64 {
	if mu <= 0 || DeltaOf(0, mu) <= delta {
		return 0
	}
	lo, hi := 0.0, 1.0
	for DeltaOf(hi, mu) > delta && hi < 1e7 {
		hi *= 2
	}
	for range 200 {
		mid := (lo + hi) / 2
		if mid <= lo || mid >= hi {
			break
		}
		if DeltaOf(mid, mu) > delta {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hi
}

// LaplaceMu returns the μ at which an ε-DP mechanism is μ-GDP:
// μ = 2Φ⁻¹(e^ε/(1+e^ε)). Pure ε-DP is dominated by randomised response with
// that ε, and this μ is the Gaussian trade-off that lies below it
// (Dong, Roth, Su 2019, Section 2.2).
//
// It works with ln(1+e^ε) = ε + ln(1+e^−ε), as e^ε overflows from ε = 710 on.
func LaplaceMu(epsilon float64) float64 {
	return 2 * upperQuantileOfLog(-epsilon-math.Log1p(math.Exp(-epsilon)))
}

// LaplaceEpsilon is the inverse of LaplaceMu: the largest pure ε that costs at
// most μ.
func LaplaceEpsilon(mu float64) float64 {
	return logNormalCDF(mu/2) - logNormalCDF(-mu/2)
}
