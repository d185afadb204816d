package privacy

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func loss(r *rapid.T, label string) Loss {
	return Loss{
		Epsilon: math.Exp(rapid.Float64Range(math.Log(1e-3), math.Log(MaxBudgetEpsilon)).Draw(r, "ln ε of "+label)),
		Delta:   math.Exp(rapid.Float64Range(math.Log(1e-15), math.Log(MaxBudgetDelta)).Draw(r, "ln δ of "+label)),
	}
}

// TestCapOfIsMonotone: a larger ε or a larger δ never admits less.
func TestCapOfIsMonotone(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		a, b := loss(r, "a"), loss(r, "b")
		larger := Loss{Epsilon: max(a.Epsilon, b.Epsilon), Delta: max(a.Delta, b.Delta)}
		if !CapOf(a).Within(CapOf(larger)) {
			r.Errorf("CapOf(%+v) = %+v, CapOf(%+v) = %+v", a, CapOf(a), larger, CapOf(larger))
		}
	})
}

// TestFullCapIsItsLoss: an account that spent its whole rectangle lost at most
// the (ε, δ) of its cap, and reports nearly all of it.
func TestFullCapIsItsLoss(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		l := loss(r, "cap")
		full := CapOf(l)
		if full.Mu2 < 0 || full.Delta < 0 {
			r.Fatalf("CapOf(%+v) = %+v", l, full)
		}
		mu2, selection := full.Real()
		epsilon := SpentEpsilon(full, l)
		if epsilon > l.Epsilon*(1+1e-9) {
			r.Errorf("a full cap of %+v reports ε = %g", l, epsilon)
		}
		if full.Mu2 > 1e6 && epsilon < l.Epsilon*(1-1e-3) {
			r.Errorf("a full cap of %+v reports only ε = %g", l, epsilon)
		}
		if total := DeltaOf(l.Epsilon, math.Sqrt(mu2)) + selection; total > l.Delta*(1+1e-9) {
			r.Errorf("a full cap of %+v loses δ = %g", l, total)
		}
	})
}

func TestNothingSpentIsNothing(t *testing.T) {
	if got := SpentEpsilon(Cost{}, Loss{Epsilon: 3, Delta: 1e-6}); got != 0 {
		t.Errorf("ε = %g", got)
	}
}

func TestWindowValid(t *testing.T) {
	for w, want := range map[Window]bool{
		WindowNone: true, WindowDay: true, WindowWeek: true, WindowMonth: true, "": false, "year": false, "Day": false,
	} {
		if w.Valid() != want {
			t.Errorf("window %q valid: %v", w, w.Valid())
		}
	}
}
