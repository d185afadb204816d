package privacy

// SelectionShare is the part of an account's δ that is set aside for partition
// selection when the account is opened; the rest is spent on converting Σμ² to
// ε. The split is fixed, so that admission is the fixed rectangle
// Σμ² ≤ μ²(ε, δ_conv), Σδ ≤ δ_sel, which the filter theorem needs.
const SelectionShare = 0.1

// Window says how often an account's cap is refilled. Every window paces
// spending under the same lifetime ceiling; none raises it.
type Window string

// The windows. Boundaries are at 00:00 UTC; weeks begin on Monday.
const (
	WindowNone  Window = "none"
	WindowDay   Window = "day"
	WindowWeek  Window = "week"
	WindowMonth Window = "month"
)

// Valid reports whether w is a known window.
func (w Window) Valid() bool {
	return w == WindowNone || w == WindowDay || w == WindowWeek || w == WindowMonth
}

// ConversionDelta returns δ_conv, the part of δ at which Σμ² is converted to ε.
func (l Loss) ConversionDelta() float64 { return l.Delta * (1 - SelectionShare) }

// CapOf returns the rectangle of costs that a cap of (ε, δ) admits. Both sides
// are rounded down.
func CapOf(l Loss) Cost {
	mu := MuOf(Loss{Epsilon: l.Epsilon, Delta: l.ConversionDelta()})
	return Cost{Mu2: int64(mu * mu * Mu2Unit), Delta: int64(l.Delta * SelectionShare * DeltaUnit)}
}

// SpentEpsilon returns the ε that spent.Mu2 amounts to at an account whose cap
// has the given δ.
func SpentEpsilon(spent Cost, capLoss Loss) float64 {
	mu2, _ := spent.Real()
	return EpsilonOf(sqrt(mu2), capLoss.ConversionDelta())
}
