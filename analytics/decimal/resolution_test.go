package decimal

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// Every bound in steps lies within the bounds that were asked for, and is the
// outermost such step.
func TestQuantumIsTight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Resolution{Mantissa: rapid.Int64Range(1, 1000).Draw(t, "mantissa"), Scale: rapid.IntRange(0, 6).Draw(t, "scale")}
		lo := rapid.Float64Range(-1e3, 1e3).Draw(t, "lo")
		hi := rapid.Float64Range(lo, 1e3).Draw(t, "hi")
		q, err := r.Quantum(lo, hi)
		if err != nil {
			if privacy.CodeOf(err) != privacy.CodePrivacyParameters {
				t.Fatal(err)
			}
			return
		}
		at := func(steps int64) *big.Rat {
			return new(big.Rat).Mul(r.Rat(), new(big.Rat).SetInt64(steps))
		}
		l, h := FromFloat(lo), FromFloat(hi)
		if at(q.Lo).Cmp(l) < 0 || at(q.Hi).Cmp(h) > 0 {
			t.Fatalf("[%d, %d] steps of %s leave [%g, %g]", q.Lo, q.Hi, r, lo, hi)
		}
		if at(q.Lo-1).Cmp(l) >= 0 || at(q.Hi+1).Cmp(h) <= 0 {
			t.Fatalf("[%d, %d] steps of %s do not fill [%g, %g]", q.Lo, q.Hi, r, lo, hi)
		}
		if q.Hi-q.Lo > plan.MaxSteps || q.Lo < -plan.MaxStep || q.Hi > plan.MaxStep {
			t.Fatalf("%+v exceeds the planner's limits", q)
		}
	})
}
