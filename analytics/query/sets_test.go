package query_test

import (
	"fmt"
	"testing"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/question"
)

// TestReleasesAreOfTheirTenantsAndGenerations: a stored answer is that of one
// question to one set of tenants on one state of each of their data, and of nothing
// else. The engine's answer tells which tenants and which state it is of.
func TestReleasesAreOfTheirTenantsAndGenerations(t *testing.T) {
	h := newHouse(t)
	seen := map[string]string{} // release by what it is of
	var ran []string
	h.engine.before = func(in engine.Input) error {
		ran = append(ran, fmt.Sprint(in.Plan.Tenants))
		return nil
	}
	epsilon := 0.01
	for state, publish := range []func(){func() {}, func() { h.publish("gen_1") }} {
		publish()
		for range 2 {
			for _, tenants := range [][]string{{"north"}, {"south"}, {"north", "south"}, {"south", "north"}, nil} {
				all := len(tenants) != 1
				key := fmt.Sprintf("%v of state %d", tenants, state)
				if all {
					key = fmt.Sprintf("all of state %d", state)
				} else if tenants[0] == "south" {
					key = "south" // it has published nothing since
				}
				before := len(ran)
				a := h.mustAsk(byWard, func(r *question.Request) { r.Tenants, r.Epsilon = tenants, &epsilon })
				was, asked := seen[key]
				if asked != (was == a.Release.ID) || asked != (len(ran) == before) || asked != a.Cached {
					t.Errorf("%s: release %s after %q, cached %v, %d runs", key, a.Release.ID, was, a.Cached, len(ran)-before)
				}
				for other, id := range seen {
					if other != key && id == a.Release.ID {
						t.Errorf("%s and %s are one release", key, other)
					}
				}
				seen[key] = a.Release.ID
			}
		}
	}
	if len(seen) != 5 {
		t.Errorf("%d releases: %v", len(seen), seen)
	}
}
