package contract_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/contract/contracttest"
	"github.com/noised/noised/analytics/contractparse"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

func measure(t testing.TB, column string) (*contract.Contract, contract.Column) {
	t.Helper()
	c := mustParse(t, contracttest.Around("\n  x: "+column))
	col, _ := c.Column("x")
	return c, col
}

func TestQuantum(t *testing.T) {
	tests := []struct {
		name, column string
		lo, hi       float64
		want         plan.Quantum
	}{
		{"integers", "{type: tinyint, role: measure, bounds: [1, 5]}", 1, 5, plan.Quantum{Mantissa: 1, Lo: 1, Hi: 5}},
		{"narrower", "{type: tinyint, role: measure, bounds: [1, 5]}", 2, 4, plan.Quantum{Mantissa: 1, Lo: 2, Hi: 4}},
		{"rounded inward", "{type: tinyint, role: measure, bounds: [-5, 5]}", -2.5, 2.5, plan.Quantum{Mantissa: 1, Lo: -2, Hi: 2}},
		{"one value left", "{type: tinyint, role: measure, bounds: [1, 5]}", 3, 3, plan.Quantum{Mantissa: 1, Lo: 3, Hi: 3}},
		{"coarse integers", "{type: bigint, role: measure, bounds: [0, 1000000000], resolution: 1000}", 0, 1e9, plan.Quantum{Mantissa: 1000, Hi: 1_000_000}},
		{"cents", "{type: decimal(10,2), role: measure, bounds: [0.01, 0.29]}", 0.01, 0.29, plan.Quantum{Mantissa: 1, Scale: 2, Lo: 1, Hi: 29}},
		{"a step that no double has", "{type: double, role: measure, bounds: [-0.3, 0.3], resolution: 0.1}", -0.3, 0.3, plan.Quantum{Mantissa: 1, Scale: 1, Lo: -3, Hi: 3}},
		{"trailing zeros", "{type: double, role: measure, bounds: [0, 1], resolution: 0.0500}", 0, 1, plan.Quantum{Mantissa: 5, Scale: 2, Hi: 20}},
		{"a bound that no double has", "{type: bigint, role: measure, bounds: [0, 9007199254740993], resolution: 28059810762433}", 0, 9007199254740993, plan.Quantum{Mantissa: 28059810762433, Hi: 321}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, col := measure(t, tt.column)
			got, err := c.Quantum(col, tt.lo, tt.hi)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestQuantumRefusals(t *testing.T) {
	c, rating := measure(t, "{type: tinyint, role: measure, bounds: [1, 5]}")
	id, _ := c.Column("id")
	tests := []struct {
		name   string
		col    contract.Column
		lo, hi float64
	}{
		{"below the contract's bounds", rating, 0, 5},
		{"above the contract's bounds", rating, 1, 5.000001},
		{"reversed", rating, 4, 2},
		{"nothing between", rating, 2.1, 2.9},
		{"NaN", rating, math.NaN(), 5},
		{"infinite", rating, 1, math.Inf(1)},
		{"not a measure", id, 1, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if q, err := c.Quantum(tt.col, tt.lo, tt.hi); privacy.CodeOf(err) != privacy.CodePrivacyParameters {
				t.Errorf("Quantum = %+v, %v", q, err)
			}
		})
	}
	if _, err := c.Quantum(rating, 4, 2); !strings.Contains(err.Error(), "must not exceed") {
		t.Errorf("reversed bounds within the contract's: %v", err)
	}
}

// Decimals survive the way from text to steps whatever double is nearest.
func TestDecimalBoundsAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scale := rapid.IntRange(0, 9).Draw(t, "scale")
		lo := rapid.Int64Range(-1<<36, 1<<36-1).Draw(t, "lo")
		hi := rapid.Int64Range(lo+1, min(lo+plan.MaxSteps, 1<<36)).Draw(t, "hi")
		text := func(v int64) string {
			return plan.IntValue(plan.Type{Kind: plan.KindDecimal, Precision: 18, Scale: uint8(scale)}, v).Text()
		}
		c, err := contractparse.Parse([]byte(contracttest.Around(fmt.Sprintf("\n  x: {type: 'decimal(18,%d)', role: measure, bounds: [%s, %s]}", scale, text(lo), text(hi)))))
		if err != nil {
			t.Fatal(privacy.AsError(err).Problems)
		}
		col, _ := c.Column("x")
		q, err := c.Quantum(col, col.Bounds[0], col.Bounds[1])
		if err != nil {
			t.Fatal(err)
		}
		if q.Lo != lo || q.Hi != hi || q.Scale != scale || q.Mantissa != 1 {
			t.Fatalf("[%s, %s] became %+v", text(lo), text(hi), q)
		}
	})
}
