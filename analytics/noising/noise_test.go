package noising

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/pricing"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/mechanism"
)

func spec(t *testing.T, stddev float64) mechanism.Spec {
	t.Helper()
	s, err := mechanism.Calibrate(mechanism.Sensitivity{L0: 1, L1: 1, L2: 1, LInf: 1}, 1/(stddev*stddev))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// wide is a plan of a count and of a tree of five leaves, by one key.
func wide(t *testing.T, domain ...plan.Value) *pricing.Priced {
	q := plan.Quantum{Mantissa: 1, Lo: 1, Hi: 5}
	p := &pricing.Priced{
		Plan: &plan.Bound{
			Keys:  []plan.Key{{Column: "k", Type: plan.Of(plan.KindVarchar), Domain: domain}},
			Draws: []plan.Draw{{Kind: plan.DrawTree, Quantum: q, Tree: plan.TreeOf(q)}, {Kind: plan.DrawUnits}},
		},
		Noise: []mechanism.Spec{spec(t, 3), spec(t, 3)},
	}
	if domain == nil {
		threshold, err := mechanism.NewThreshold(p.Noise[1], 1, 1, 1e-9)
		if err != nil {
			t.Fatal(err)
		}
		p.Selection = &pricing.Selection{Draw: 1, Threshold: threshold}
	}
	return p
}

// groups returns partials in which group i has units[i] units, and node j of its
// tree 1000·i + 100·j rows.
func groups(keys []string, units ...int64) *engine.Partials {
	x := &engine.Partials{Draws: make([][]privacy.Int128, 2)}
	for i, k := range keys {
		x.Keys = append(x.Keys, []plan.Value{plan.StringValue(k)})
		x.Draws[1] = append(x.Draws[1], privacy.Int128From(units[i]))
		for node := range int64(5) {
			x.Draws[0] = append(x.Draws[0], privacy.Int128From(1000*int64(i)+100*node))
		}
	}
	return x
}

// TestEveryNodeIsNoised: each integer of a tree has noise of its own, and stays
// at its group. A value leaves eight standard deviations of 3 with probability
// below 1e-14.
func TestEveryNodeIsNoised(t *testing.T) {
	x := groups([]string{"a", "b"}, 500, 700)
	same := 0
	for range 50 {
		core, err := Noise(wide(t, plan.StringValue("a"), plan.StringValue("b")), x)
		if err != nil {
			t.Fatal(err)
		}
		if core.Keys != nil || len(core.Draws[0]) != 10 || len(core.Draws[1]) != 2 {
			t.Fatalf("core of %d keys, %d nodes, %d counts", len(core.Keys), len(core.Draws[0]), len(core.Draws[1]))
		}
		for i, v := range core.Draws[0] {
			exact := x.Draws[0][i].Clamp(math.MaxInt64)
			if diff := v - exact; diff < -24 || diff > 24 {
				t.Errorf("node %d: %d, want about %d", i, v, exact)
			} else if diff == 0 {
				same++
			}
		}
	}
	// Noise of 0 has probability 0.132; of 500 draws 130 or more have it with
	// probability below 1e-13, and none with probability below 1e-30.
	if same == 0 || same > 130 {
		t.Errorf("%d of 500 nodes have no noise", same)
	}
}

// TestNothingOfSmallGroupsIsLeft: of three secret groups the one unit's group is
// dropped with its tree, and the others are sorted by key with their own nodes.
// A false rejection has probability below 1e-9 by the threshold.
func TestNothingOfSmallGroupsIsLeft(t *testing.T) {
	core, err := Noise(wide(t), groups([]string{"c", "a", "b"}, 900, 1, 800))
	if err != nil {
		t.Fatal(err)
	}
	if len(core.Keys) != 2 || core.Keys[0][0].Str != "b" || core.Keys[1][0].Str != "c" {
		t.Fatalf("keys %v, want b and c", core.Keys)
	}
	for i, exact := range []int64{2000, 2100, 2200, 2300, 2400, 0, 100, 200, 300, 400} {
		if diff := core.Draws[0][i] - exact; diff < -24 || diff > 24 {
			t.Errorf("node %d: %d, want about %d", i, core.Draws[0][i], exact)
		}
	}
	for i, exact := range []int64{800, 900} {
		if diff := core.Draws[1][i] - exact; diff < -24 || diff > 24 {
			t.Errorf("count %d: %d, want about %d", i, core.Draws[1][i], exact)
		}
	}
}

// TestResultsThatAreTooLarge: where the groups that pass selection are too many,
// or their keys too long, for a result, those with the largest noised counts
// are shown. An error would be redeemed with fresh noise, again and again.
func TestResultsThatAreTooLarge(t *testing.T) {
	p := wide(t)
	most := int(plan.MaxCells / (p.Plan.Width() + int64(len(p.Plan.Outputs)+len(p.Plan.Keys))))
	keys, kept, counts := make([][]plan.Value, most+2), make([]int, most+2), make([]int64, most+2)
	for i := range kept {
		keys[i], kept[i], counts[i] = []plan.Value{plan.StringValue("k")}, i, 1_000_000
	}
	counts[1], counts[most] = 100_000, 99_999
	fewer, theirs := fitting(p.Plan, keys, kept, counts)
	if len(fewer) != most || len(theirs) != most || slices.Contains(fewer, 1) || slices.Contains(fewer, most) || !slices.IsSorted(fewer) {
		t.Errorf("%d of %d groups are left, among them the smallest: %t", len(fewer), len(kept), slices.Contains(fewer, 1))
	}
	if same, _ := fitting(p.Plan, keys, kept[:most], counts[:most]); len(same) != most {
		t.Errorf("%d of %d groups that fit are left", len(same), most)
	}
	for i := range 3 {
		keys[i] = []plan.Value{plan.StringValue(strings.Repeat("k", maxKeyBytes/2-i))}
	}
	if fewer, theirs := fitting(p.Plan, keys, []int{0, 1, 2}, []int64{7, 9, 8}); !slices.Equal(fewer, []int{1, 2}) || !slices.Equal(theirs, []int64{9, 8}) {
		t.Errorf("of long keys %v with %v units are left", fewer, theirs)
	}
}

// TestShapesThatDoNotBelongTogether are refused before any noise is drawn.
func TestShapesThatDoNotBelongTogether(t *testing.T) {
	a := plan.StringValue("a")
	tests := map[string]func(*pricing.Priced, *engine.Partials){
		"a key too many":             func(_ *pricing.Priced, x *engine.Partials) { x.Keys = append(x.Keys, x.Keys[0]) },
		"a node too few":             func(_ *pricing.Priced, x *engine.Partials) { x.Draws[0] = x.Draws[0][1:] },
		"a tree of one integer":      func(_ *pricing.Priced, x *engine.Partials) { x.Draws[0] = x.Draws[1] },
		"a draw without noise":       func(p *pricing.Priced, _ *engine.Partials) { p.Noise = p.Noise[:1] },
		"noise of no kind":           func(p *pricing.Priced, _ *engine.Partials) { p.Noise[0] = mechanism.Spec{} },
		"a secret without threshold": func(p *pricing.Priced, _ *engine.Partials) { p.Plan.Keys[0].Domain = nil },
		"selection by a tree": func(p *pricing.Priced, _ *engine.Partials) {
			p.Plan.Keys[0].Domain = nil
			p.Selection = &pricing.Selection{}
		},
	}
	for name, change := range tests {
		p, x := wide(t, a), groups([]string{"a"}, 10)
		change(p, x)
		if core, err := Noise(p, x); privacy.CodeOf(err) != privacy.CodeInternal || core != nil {
			t.Errorf("%s: %v, %v", name, core, err)
		}
	}
}
