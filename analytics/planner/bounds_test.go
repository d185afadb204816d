package planner

import (
	"math"
	"testing"

	"github.com/noised/noised/privacy"
)

// TestEqualErrorRelativeToTheBounds: with the weights of price, all integers of
// a query have the same noise relative to what one unit adds to them.
func TestEqualErrorRelativeToTheBounds(t *testing.T) {
	f := newFixture(t)
	p, err := f.plan("SELECT MEDIAN(price), MEDIAN(items), VAR_POP(price), COUNT(*), COUNT(DISTINCT city) FROM shop", Request{})
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range p.Noise {
		d := p.Plan.Draws[i]
		relative := n.Stddev / (float64(d.Magnitude()) * 20)
		if first := p.Noise[0].Stddev / (float64(p.Plan.Draws[0].Magnitude()) * 20); math.Abs(relative/first-1) > 1e-3 {
			t.Errorf("%s has %g, the first draw %g", d, relative, first)
		}
	}
}

// TestAbusiveBoundsAreRefused: what cannot be a bound, whoever says so.
func TestAbusiveBoundsAreRefused(t *testing.T) {
	f := newFixture(t)
	sel, err := f.parser.Parse(t.Context(), "SELECT SUM(price), MEDIAN(price) FROM shop")
	if err != nil {
		t.Fatal(err)
	}
	for _, limits := range []privacy.Bounds{
		{MaxPartitions: 1 << 33, MaxRowsPerPartition: 1 << 33},
		{MaxPartitions: math.MaxInt64, MaxRowsPerPartition: math.MaxInt64},
		{MaxPartitions: -1, MaxRowsPerPartition: 1},
		{MaxPartitions: 1, MaxRowsPerPartition: 0},
		{MaxPartitions: 1, MaxRowsPerPartition: 1, MaxRows: -1},
		{MaxPartitions: 1, MaxRowsPerPartition: 1, MaxL2: -1},
		{MaxPartitions: 1, MaxRowsPerPartition: 1, MaxL2: math.MaxInt64},
		{},
	} {
		c := *f.contracts["shop"]
		c.Limits = limits
		if _, err := Plan(sel, Dataset{Contract: &c, Members: members}, Request{}); privacy.CodeOf(err) != privacy.CodePrivacyParameters {
			t.Errorf("%+v: %v", limits, err)
		}
	}
	for _, n := range []int64{math.MinInt64, -1, 0, math.MaxInt64} {
		for _, req := range []Request{{MaxPartitions: &n}, {MaxRowsPerPartition: &n}} {
			if _, err := Plan(sel, Dataset{Contract: f.contracts["shop"], Members: members}, req); privacy.CodeOf(err) != privacy.CodePrivacyParameters {
				t.Errorf("%d: %v", n, err)
			}
		}
	}
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, 1e-320, 800, 1e308} {
		for _, loss := range []privacy.Loss{{Epsilon: bad}, {Delta: bad}, {Epsilon: 1, Delta: bad}} {
			if _, err := Plan(sel, Dataset{Contract: f.contracts["shop"], Members: members}, Request{Loss: loss}); privacy.CodeOf(err) != privacy.CodePrivacyParameters {
				t.Errorf("%+v: %v", loss, err)
			}
		}
	}
}

// TestKeysAreFoundWithinBounds: a query whose keys have many or deeply nested
// operands is answered by what can be evaluated within a bound.
func TestKeysAreFoundWithinBounds(t *testing.T) {
	f := newFixture(t)
	nested := "region"
	for range 40 {
		nested = "coalesce(CASE WHEN city = 'a' THEN " + nested + " ELSE region END, region)"
	}
	for key, groups := range map[string]int{ // 0: secret, −1: refused
		nested: 3,
		"concat(ordered::VARCHAR, grade::VARCHAR)":               0,  // too many combinations
		"floor(price / 0.001)":                                   -1, // too many buckets
		"floor(price) + floor(weight) + items + floor(discount)": 1202,
	} {
		p, err := f.plan("SELECT COUNT(*) FROM shop GROUP BY "+key, Request{})
		got := -1
		if err == nil {
			got = len(p.Plan.Keys[0].Domain)
		}
		if got != groups {
			t.Errorf("%s has %d groups, want %d: %v", key, got, groups, err)
		}
	}
}
