package wish

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/finish"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/pricing"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/mechanism"
)

func TestEpsilonsOfFourDigits(t *testing.T) {
	if epsilonAt(0) != privacy.MinEpsilon || epsilonAt(decades*perDecade) != privacy.MaxEpsilon {
		t.Errorf("the range is %g to %g", epsilonAt(0), epsilonAt(decades*perDecade))
	}
	for i := 1; i <= decades*perDecade; i++ {
		if before, now := epsilonAt(i-1), epsilonAt(i); now <= before || now > 1.0011*before {
			t.Fatalf("%g follows %g", now, before)
		}
	}
}

// TestLeastEpsilon prices one count at real calibrations, Gaussian and Laplace:
// what is found meets the wish, its predecessor does not, and neither does any
// smaller ε that is tried, though a Laplace interval is wider than that of a
// Gaussian of the same standard deviation.
func TestLeastEpsilon(t *testing.T) {
	bound := &plan.Bound{
		Draws:   []plan.Draw{{Kind: plan.DrawRows}},
		Aggs:    []plan.Agg{{Func: plan.AggCount, Sum: -1, Square: -1, Tree: -1}},
		Outputs: []plan.Output{{Name: "n", Expr: &plan.AggRef{}}},
	}
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.Int64Range(1, 1000).Draw(t, "rows of a unit")
		half := float64(c) * rapid.Float64Range(0.2, 100).Draw(t, "half-width")
		w := &Wish{Accuracy: Accuracy{Absolute: &half}, view: finish.View{Confidence: 0.95}}
		price := func(epsilon float64) (*pricing.Priced, error) {
			mu := privacy.MuOf(privacy.Loss{Epsilon: epsilon, Delta: 1e-9})
			l := float64(c)
			s, err := mechanism.Calibrate(mechanism.Sensitivity{L0: 1, L1: l, L2: l, LInf: c}, mu*mu)
			return &pricing.Priced{Plan: bound, Noise: []mechanism.Spec{s}}, err
		}
		meets := func(epsilon float64) bool {
			p, err := price(epsilon)
			if err != nil {
				return false
			}
			far, err := w.worst(p)
			return err == nil && far.half <= far.allowed
		}
		got, err := w.LeastEpsilon(price)
		if privacy.CodeOf(err) == privacy.CodePrivacyParameters && !meets(privacy.MaxEpsilon) {
			return
		}
		if err != nil || !meets(got) {
			t.Fatalf("found %g, %v for ±%g", got, err, half)
		}
		for share := 0.9989; share > 0.3; share *= 0.99 {
			if meets(got * share) {
				t.Fatalf("found %g for ±%g, but %g does", got, half, got*share)
			}
		}
	})
}
