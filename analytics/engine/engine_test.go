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
	for _, tt := range []struct {
		name string
		in   Input
		ok   bool
	}{
		{"segments of the plan's tenants", Input{Plan: p, Segments: []Segment{{Tenant: "a"}, {Tenant: "b"}}}, true},
		{"no segment at all", Input{Plan: p}, true},
		{"no plan", Input{}, false},
		{"a tenant outside the plan", Input{Plan: p, Segments: []Segment{{Tenant: "c"}}}, false},
		{"too many groups to number", Input{Plan: many}, false},
		{"a plan without limits", Input{Plan: unbounded}, false},
	} {
		if err := tt.in.Check(); (err == nil) != tt.ok || (err != nil && privacy.CodeOf(err) != privacy.CodeInternal) {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
}
