package privacy

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// TestLossCheck lists parameters that make a mechanism hang, overflow or promise
// nothing. None may reach one.
func TestLossCheck(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	tests := []struct {
		epsilon, delta float64
		query, budget  bool
	}{
		{1, 1e-9, true, true},
		{MinEpsilon, MinDelta, true, true},
		{MaxEpsilon, MaxDelta, true, true},
		{MaxEpsilon + 1, 1e-9, false, true},
		{MaxBudgetEpsilon, MaxBudgetDelta, false, true},
		{1, 0.11, false, true},
		{0, 1e-9, false, false},
		{math.Copysign(0, -1), 1e-9, false, false},
		{-1, 1e-9, false, false},
		{1e-320, 1e-9, false, false},
		{800, 1e-9, false, true},
		{2e6, 1e-9, false, false},
		{nan, 1e-9, false, false},
		{inf, 1e-9, false, false},
		{-inf, 1e-9, false, false},
		{1, 0, false, false},
		{1, -1, false, false},
		{1, 1, false, false},
		{1, 1e-320, false, false},
		{1, nan, false, false},
		{1, inf, false, false},
		{1, -inf, false, false},
	}
	for _, tt := range tests {
		l := Loss{Epsilon: tt.epsilon, Delta: tt.delta}
		for name, got := range map[string]struct {
			err error
			ok  bool
		}{"query": {l.Check(), tt.query}, "budget": {l.CheckBudget(), tt.budget}} {
			if (got.err == nil) != got.ok || !got.ok && CodeOf(got.err) != CodePrivacyParameters {
				t.Errorf("%s with (%g, %g): %v", name, tt.epsilon, tt.delta, got.err)
			}
		}
	}
}

func TestCostOf(t *testing.T) {
	tests := []struct {
		mu2, delta float64
		want       Cost
		ok         bool
	}{
		{0, 0, Cost{}, true},
		{1e-13, 1e-19, Cost{Mu2: 1, Delta: 1}, true}, // rounded up, never to nothing
		{1, 1, Cost{Mu2: 1e12, Delta: 1e18}, true},
		{1e6, 0, Cost{Mu2: 1e18}, true},
		{1e6 + 1, 0, Cost{}, false},
		{0, 1.1, Cost{}, false},
		{-1e-300, 0, Cost{}, false},
		{0, -1e-300, Cost{}, false},
		{math.NaN(), 0, Cost{}, false},
		{0, math.NaN(), Cost{}, false},
		{math.Inf(1), 0, Cost{}, false},
		{0, math.Inf(1), Cost{}, false},
	}
	for _, tt := range tests {
		got, err := CostOf(tt.mu2, tt.delta)
		if got != tt.want || (err == nil) != tt.ok {
			t.Errorf("CostOf(%g, %g) = %+v, %v", tt.mu2, tt.delta, got, err)
		}
	}
}

// TestCostNeverLoses: in integers, what many charges add up to is at least what
// they lose in real numbers, in any order.
func TestCostNeverLoses(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		parts := rapid.SliceOfN(rapid.Float64Range(0, 1e-3), 1, 50).Draw(r, "mu2")
		var sum float64
		var forward, backward Cost
		for i := range parts {
			c, err := CostOf(parts[i], parts[i])
			d, _ := CostOf(parts[len(parts)-1-i], parts[len(parts)-1-i])
			if err != nil {
				r.Fatal(err)
			}
			sum += parts[i]
			forward, backward = forward.Add(c), backward.Add(d)
		}
		if forward != backward {
			r.Errorf("the order matters: %+v, %+v", forward, backward)
		}
		if mu2, delta := forward.Real(); mu2 < sum*(1-1e-12) || delta < sum*(1-1e-12) {
			r.Errorf("charged (%g, %g) for %g", mu2, delta, sum)
		}
	})
}

// TestCostSaturates: an overflow can only refuse.
func TestCostSaturates(t *testing.T) {
	full := Cost{Mu2: math.MaxInt64, Delta: math.MaxInt64}
	for _, c := range []Cost{{}, {Mu2: 1, Delta: 1}, full} {
		if got := full.Add(c); got != full {
			t.Errorf("%+v + %+v = %+v", full, c, got)
		}
		if got := c.Add(full); got != full {
			t.Errorf("%+v + %+v = %+v", c, full, got)
		}
	}
	if got := (Cost{Mu2: math.MaxInt64 - 1}).Add(Cost{Mu2: 1, Delta: 2}); got != (Cost{Mu2: math.MaxInt64, Delta: 2}) {
		t.Errorf("the last unit that fits: %+v", got)
	}
	largest := CapOf(Loss{Epsilon: MaxBudgetEpsilon, Delta: MaxBudgetDelta})
	if full.Within(largest) {
		t.Errorf("a saturated cost is within %+v", largest)
	}
}

func TestCostWithin(t *testing.T) {
	limit := Cost{Mu2: 10, Delta: 5}
	for c, want := range map[Cost]bool{
		{}: true, {Mu2: 10, Delta: 5}: true, {Mu2: 11, Delta: 5}: false, {Mu2: 10, Delta: 6}: false, {Mu2: 0, Delta: 6}: false,
	} {
		if got := c.Within(limit); got != want {
			t.Errorf("%+v within %+v: %v", c, limit, got)
		}
	}
}

func TestCostInRealNumbers(t *testing.T) {
	c := Cost{Mu2: 25e10, Delta: 5e8}
	if mu2, delta := c.Real(); mu2 != 0.25 || delta != 5e-10 || c.Rho() != 0.125 {
		t.Errorf("μ² = %g, δ = %g, ρ = %g", mu2, delta, c.Rho())
	}
}
