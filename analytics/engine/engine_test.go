package engine

import (
	"testing"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

func TestInputCheck(t *testing.T) {
	p := &plan.Bound{Tenants: []string{"a", "b"}, Limits: privacy.Bounds{MaxPartitions: 1, MaxRowsPerPartition: 1}}
	many := &plan.Bound{Tenants: []string{"a"}, Limits: p.Limits}
	for range 5 {
		many.Keys = append(many.Keys, plan.Key{Domain: make([]plan.Value, 100)})
	}
	unbounded := &plan.Bound{Tenants: []string{"a"}}
	drawing := func(groups int, draws ...plan.Draw) Input {
		b := &plan.Bound{Tenants: []string{"a"}, Limits: p.Limits, Draws: draws}
		if groups > 0 {
			b.Keys = []plan.Key{{Domain: make([]plan.Value, groups)}}
		}
		return Input{Plan: b}
	}
	fine := plan.Quantum{Mantissa: 1, Lo: 0, Hi: 1 << 20, Centre: 1 << 19}
	wide := plan.Draw{Kind: plan.DrawTree, Quantum: fine, Tree: plan.TreeOf(fine)}
	squares := plan.Draw{Kind: plan.DrawSquares, Quantum: fine, Square: plan.SquareOf(fine)}
	most := int(plan.MaxCells) / wide.Width()
	far, short, shifted := squares, wide, squares
	far.Quantum.Centre, short.Tree.Leaves, shifted.Square.Centre = 1<<37, wide.Tree.Leaves-1, 5
	flat := wide
	flat.Tree.Levels = 3
	joined := &plan.Bound{Tenants: []string{"a"}, Limits: p.Limits, Sources: []plan.Source{{Table: "orders"}, {Table: "nation", Public: true}}}
	product := &plan.Bound{Tenants: []string{"a"}, Limits: p.Limits, Sources: []plan.Source{{Table: "orders"}, {Table: "items"}}}
	chain := &plan.Bound{Tenants: []string{"a"}, Limits: p.Limits, Sources: []plan.Source{{Table: "orders", Once: true}, {Table: "items"}}}
	for _, tt := range []struct {
		name string
		in   Input
		ok   bool
	}{
		{"a chain of private tables", Input{Plan: chain}, true},
		{"private tables that multiply each other", Input{Plan: product}, false},
		{"private and public tables", Input{Plan: joined, Segments: []Segment{{Tenant: "a", Table: "orders"}, {Table: "nation"}}}, true},
		{"a private table of nobody", Input{Plan: joined, Segments: []Segment{{Table: "orders"}}}, false},
		{"a tenant's table in the place of a public one", Input{Plan: joined, Segments: []Segment{{Tenant: "a", Table: "nation"}}}, false},
		{"a joined tenant outside the plan", Input{Plan: joined, Segments: []Segment{{Tenant: "b", Table: "orders"}}}, false},
		{"a table outside the plan", Input{Plan: joined, Segments: []Segment{{Tenant: "a", Table: "lineitem"}}}, false},
		{"a table for a plan of one", Input{Plan: p, Segments: []Segment{{Tenant: "a", Table: "orders"}}}, false},
		{"rows without a table in a join", Input{Plan: joined, Segments: []Segment{{Tenant: "a"}}}, false},
		{"segments of the plan's tenants", Input{Plan: p, Segments: []Segment{{Tenant: "a"}, {Tenant: "b"}}}, true},
		{"no segment at all", Input{Plan: p}, true},
		{"no plan", Input{}, false},
		{"a tenant outside the plan", Input{Plan: p, Segments: []Segment{{Tenant: "c"}}}, false},
		{"too many groups to number", Input{Plan: many}, false},
		{"a plan without limits", Input{Plan: unbounded}, false},
		{"a tree and squares", drawing(0, wide, squares), true},
		{"as many trees as cells", drawing(most, wide), true},
		{"too many cells", drawing(most+1, wide), false},
		{"too many cells of several draws", drawing(most, wide, squares), false},
		{"squares of values far from the centre", drawing(0, far), false},
		{"squares around another centre", drawing(0, shifted), false},
		{"a tree that is too short", drawing(0, short), false},
		{"a tree that is too flat", drawing(0, flat), false},
		{"a tree without leaves", drawing(0, plan.Draw{Kind: plan.DrawTree, Quantum: fine}), false},
		{"a draw of an unknown kind", drawing(0, plan.Draw{}), false},
	} {
		if err := tt.in.Check(); (err == nil) != tt.ok || (err != nil && privacy.CodeOf(err) != privacy.CodeInternal) {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
}
