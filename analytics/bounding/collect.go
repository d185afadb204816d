package bounding

import (
	"slices"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// Collect makes the result of draws that were bounded and summed elsewhere. For
// declared keys, draws has all combinations in the order of DeclaredKeys and
// keys is not looked at; otherwise keys has the groups that were reached, each
// once and in any order, and draws follows it. Both become the result's.
func Collect(p *plan.Bound, keys [][]plan.Value, draws [][]privacy.Int128) *Result {
	r := &Result{Keys: keys, Draws: draws, Trees: make([]*Tree, len(draws))}
	if !p.Secret() {
		r.Keys = p.DeclaredKeys()
		return r
	}
	order := sortedKeys(keys)
	r.Keys = make([][]plan.Value, len(order))
	for i, at := range order {
		r.Keys[i] = keys[at]
	}
	for d, of := range draws {
		r.Draws[d] = make([]privacy.Int128, len(order))
		for i, at := range order {
			r.Draws[d][i] = of[at]
		}
	}
	return r
}

// sortedKeys returns the places of keys in the order of their values.
func sortedKeys(keys [][]plan.Value) []int {
	order := make([]int, len(keys))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		for i, v := range keys[a] {
			if c := v.Compare(keys[b][i]); c != 0 {
				return c
			}
		}
		return 0
	})
	return order
}
