package privacy

import "math"

// Limits on the parameters that a caller may ask for. Outside them arithmetic
// under- or overflows, or the loss is meaningless.
const (
	MinEpsilon = 1e-6
	MaxEpsilon = 100
	MinDelta   = 1e-16
	MaxDelta   = 0.1
)

// Loss is an (ε, δ) differential-privacy guarantee, as people state it.
type Loss struct {
	Epsilon float64 `json:"epsilon"`
	Delta   float64 `json:"delta"`
}

// Check refuses parameters that no query or budget may use: NaN, infinities,
// zero, negative values, and values outside the supported range. Its errors
// have CodePrivacyParameters and cost nothing.
func (l Loss) Check() error {
	if err := checkRange("epsilon", l.Epsilon, MinEpsilon, MaxEpsilon); err != nil {
		return err
	}
	return checkRange("delta", l.Delta, MinDelta, MaxDelta)
}

// Limits on budgets, which compose many queries and so may be larger.
const (
	MaxBudgetEpsilon = 1e6
	MaxBudgetDelta   = 0.5
)

// CheckBudget refuses caps that no account may have. It allows a larger range
// than Check does for one query.
func (l Loss) CheckBudget() error {
	if err := checkRange("epsilon", l.Epsilon, MinEpsilon, MaxBudgetEpsilon); err != nil {
		return err
	}
	return checkRange("delta", l.Delta, MinDelta, MaxBudgetDelta)
}

func checkRange(name string, v, lo, hi float64) error {
	if math.IsNaN(v) || v < lo || v > hi {
		return Errorf(CodePrivacyParameters, "%s must be between %g and %g, got %g", name, lo, hi, v)
	}
	return nil
}

// Cost is what a mechanism takes from an account, in integers that add without
// rounding: Mu2 counts units of 1e-12 of μ², Delta units of 1e-18 of δ.
type Cost struct {
	Mu2   int64 `json:"mu2"`
	Delta int64 `json:"delta"`
}

// Units per 1 of μ² and of δ.
const (
	Mu2Unit   = 1e12
	DeltaUnit = 1e18
)

// MinRunMu2 is the least μ² that one run of an engine costs (2e-6), so that
// tiny charges do not buy unlimited runs.
const MinRunMu2 = int64(2e-6 * Mu2Unit)

// CostOf converts a loss in real numbers to integer units, rounding both parts
// up so that an account is never charged less than the mechanism loses. It
// refuses NaN, negative and overlarge values.
func CostOf(mu2, delta float64) (Cost, error) {
	if math.IsNaN(mu2) || math.IsNaN(delta) || mu2 < 0 || delta < 0 || mu2 > 1e6 || delta > 1 {
		return Cost{}, Errorf(CodePrivacyParameters, "privacy cost out of range")
	}
	return Cost{Mu2: int64(math.Ceil(mu2 * Mu2Unit)), Delta: int64(math.Ceil(delta * DeltaUnit))}, nil
}

// Add returns the composed cost. It saturates at the largest integer, which no
// cap reaches, so that an overflow can only refuse.
func (c Cost) Add(d Cost) Cost {
	return Cost{Mu2: saturatingAdd(c.Mu2, d.Mu2), Delta: saturatingAdd(c.Delta, d.Delta)}
}

// Within reports whether both parts of c are at most those of limit.
func (c Cost) Within(limit Cost) bool { return c.Mu2 <= limit.Mu2 && c.Delta <= limit.Delta }

// Real returns μ² and δ as real numbers, for reports.
func (c Cost) Real() (mu2, delta float64) {
	return float64(c.Mu2) / Mu2Unit, float64(c.Delta) / DeltaUnit
}

// Rho returns the zero-concentrated loss ρ = μ²/2 that is reported beside μ².
func (c Cost) Rho() float64 { return float64(c.Mu2) / Mu2Unit / 2 }

func saturatingAdd(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
