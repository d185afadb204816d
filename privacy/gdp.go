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

// LaplaceMu returns the μ at which Laplace noise is μ-GDP on one number that
// neighbours shift by at most ε times its scale:
//
//	μ = 2·Φ̄⁻¹(e^(−ε/2)/2).
//
// That is less than 2Φ⁻¹(e^ε/(1+e^ε)), which any ε-DP mechanism is
// (Dong, Roth, Su 2019, Section 2.2), and about half of its square for large ε:
// randomised response is worse than Laplace.
//
// Proof. The likelihood ratio is monotone in the output, so the trade-off function
// is that of thresholds, F(F⁻¹(1−α) − ε) for Laplace's F:
//
//	T(α) = 1 − e^ε·α           for            α ≤ e^(−ε)/2
//	       e^(−ε)/(4α)         for e^(−ε)/2 ≤ α ≤ 1/2
//	       e^(−ε)·(1 − α)      for      1/2 ≤ α,
//
// and that of the Gaussian is G(α) = Φ̄(μ − a) with α = Φ̄(a). In the middle, G ≤ T
// says ln Φ̄(a) + ln Φ̄(μ − a) ≤ ln(e^(−ε)/4). Φ̄ is log-concave, so the left side
// is concave in a; it is symmetric about a = μ/2, where it is largest. There it
// says 2·ln Φ̄(μ/2) ≤ 2·ln(e^(−ε/2)/2), which this μ meets with equality. On the
// left, T is the chord from (0, 1) to (e^(−ε)/2, 1/2); G is convex, is 1 at 0 and
// at most 1/2 at the other end, so it lies below the chord. On the right likewise,
// as G(1) = 0. A smaller shift has a smaller ε, and μ increases with ε.
func LaplaceMu(epsilon float64) float64 {
	if epsilon < 1 { // erfc(μ/√8) = e^(−ε/2) is near 1: take it from erf
		return 2 * math.Sqrt2 * math.Erfinv(-math.Expm1(-epsilon/2))
	}
	return 2 * upperQuantileOfLog(-epsilon/2-math.Ln2)
}

// LaplaceEpsilon is the inverse of LaplaceMu: −2·ln(2·Φ̄(μ/2)), the shift in
// scales that costs μ.
func LaplaceEpsilon(mu float64) float64 {
	if mu < 1 {
		return -2 * math.Log1p(-math.Erf(mu/2/math.Sqrt2))
	}
	return -2 * (math.Ln2 + logNormalCDF(-mu/2))
}
