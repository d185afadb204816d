package mechanism

import (
	"math"

	"github.com/noised/noised/privacy"
)

// minSelectionDelta is one unit of the ledger: a query's δ may be shared out, so
// a selection's may be smaller than privacy.MinDelta.
const minSelectionDelta = 1 / privacy.DeltaUnit

// Threshold decides, from one noised count, whether a group with a secret key
// is shown. The zero value shows nothing that a count can reach.
type Threshold struct {
	spec  Spec
	value int64
	set   bool
}

// NewThreshold returns the threshold on counts noised by s, when one privacy
// unit adds at most perUnit to the count of a group (1 for a count of units) and
// touches at most l0 groups. Using it costs δ = delta beside the cost of s; the
// noised counts of the groups that are shown are free.
//
// The threshold is perUnit + ⌈y + ½⌉ with P(Y ≥ y) ≤ δ/L0: σ·Φ̄⁻¹(δ/L0) for the
// Gaussian, b·ln(L0/2δ) for Laplace.
//
// Proof. Let D' have one unit more than D. Groups that both hold are shown by a
// function of their noised counts, which is post-processing of s. A group that
// only D' holds is absent from every output of D; in D' it holds n ≤ perUnit,
// and is shown only if n + N ≥ t, hence if N ≥ m for the integer
// m = t − perUnit. As N = round(Y), this is Y ≥ m − ½, and m − ½ ≥ y. There are
// at most L0 such groups, each shown with probability at most δ/L0, so the
// chance that any is shown is at most δ; when none is, the two outputs are
// those of s on the common groups. This is the argument of Wilson et al.,
// "Differentially Private SQL with Bounded User Contribution" (2020), Theorem 2,
// for rounded noise: without the ½, N ≥ m would need Y ≥ y − ½ only.
func NewThreshold(s Spec, perUnit, l0 int64, delta float64) (Threshold, error) {
	if !(s.scale > 0) {
		return Threshold{}, privacy.Errorf(privacy.CodeInternal, "threshold on noise of no kind")
	}
	if perUnit < 1 || perUnit > privacy.MaxRelease || l0 < 1 || l0 > privacy.MaxBound {
		return Threshold{}, privacy.Errorf(privacy.CodePrivacyParameters, "contribution bounds are out of range")
	}
	if !(delta >= minSelectionDelta && delta <= privacy.MaxDelta) {
		return Threshold{}, privacy.Errorf(privacy.CodePrivacyParameters,
			"the delta of a selection must be between %g and %g", minSelectionDelta, privacy.MaxDelta)
	}
	margin := math.Ceil(s.upperQuantile(delta/float64(l0)) + 0.5)
	return Threshold{spec: s, value: perUnit + int64(margin), set: true}, nil
}

// Value returns the least noised count that is shown.
func (t Threshold) Value() int64 {
	if !t.set {
		return math.MaxInt64
	}
	return t.value
}

// Keep reports whether a group with this noised count is shown.
func (t Threshold) Keep(noised int64) bool { return t.set && noised >= t.value }

// KeepProbability returns the probability that a group of exact count n is
// shown: P(n + round(Y) ≥ t) = P(Y ≥ t − n − ½). It reads no data.
func (t Threshold) KeepProbability(n int64) float64 {
	if !t.set {
		return 0
	}
	// A count is not negative, so the difference cannot wrap.
	n = min(max(n, 0), privacy.MaxRelease)
	return t.spec.upperTail(float64(t.value-n) - 0.5)
}
