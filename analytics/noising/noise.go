package noising

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/finish"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/pricing"
	"github.com/noised/noised/privacy"
)

// Noise turns exact partials into a core that may be stored and shown. Each
// integer of each draw and group, every node of a tree too, gets its noise
// exactly once.
//
// With declared keys every group is kept. With secret keys a group is kept iff
// its noisy selection count passes the threshold; the other draws of a group
// that is not kept are never made, and nothing about it remains. Kept groups
// are sorted by key, so that their order says nothing about the rows'.
//
// The loss is what the planner priced: the vector of draw d over all groups and
// nodes has the sensitivity that Noise[d] was calibrated to (plan.Bound.Limits,
// enforced by the engine), draws compose by adding μ², and a group that only one
// of two neighbouring data sets has passes the threshold with probability at
// most δ/L0 (mechanism.Threshold).
func Noise(p *pricing.Priced, exact *engine.Partials) (*finish.Core, error) {
	if err := checkShape(p, exact); err != nil {
		return nil, err
	}
	core := &finish.Core{Draws: make([][]int64, len(exact.Draws))}
	if p.Selection == nil {
		for d, values := range exact.Draws {
			core.Draws[d] = make([]int64, len(values))
			if err := p.Noise[d].NoiseAll(core.Draws[d], values); err != nil {
				return nil, err
			}
		}
		return core, nil
	}
	kept, counts, err := keptGroups(p, exact)
	if err != nil {
		return nil, err
	}
	core.Keys = make([][]plan.Value, len(kept))
	for i, g := range kept {
		core.Keys[i] = exact.Keys[g]
	}
	for d, of := range p.Plan.Draws {
		if d == p.Selection.Draw {
			core.Draws[d] = counts // what selected the groups is what is shown
			continue
		}
		core.Draws[d] = make([]int64, len(kept)*of.Width())
		if err := p.Noise[d].NoiseAll(core.Draws[d], exact.Of(d, of.Width(), kept)); err != nil {
			return nil, err
		}
	}
	return core, nil
}

// keptGroups returns the secret groups that leave, sorted by key: those whose
// noised counts, which it returns too, pass the threshold.
func keptGroups(p *pricing.Priced, exact *engine.Partials) (kept []int, counts []int64, err error) {
	noised := make([]int64, len(exact.Keys))
	if err := p.Noise[p.Selection.Draw].NoiseAll(noised, exact.Draws[p.Selection.Draw]); err != nil {
		return nil, nil, err
	}
	for g, n := range noised {
		if p.Selection.Threshold.Keep(n) {
			kept = append(kept, g)
		}
	}
	sortByKey(kept, exact.Keys)
	counts = make([]int64, len(kept))
	for i, g := range kept {
		counts[i] = noised[g]
	}
	kept, counts = fitting(p.Plan, exact.Keys, kept, counts)
	return kept, counts, nil
}

// sortByKey sorts groups by the values of their keys. Engines give them in that
// order, but it must not depend on one what their order tells.
func sortByKey(groups []int, keys [][]plan.Value) {
	slices.SortFunc(groups, func(x, y int) int {
		return slices.CompareFunc(keys[x], keys[y], plan.Value.Compare)
	})
}

// maxKeyBytes bounds the texts of the keys of a result with secret keys.
const maxKeyBytes = 64 << 20

// fitting keeps the kept groups with the largest noised counts where all of them
// would make a result that is too large to be stored and shown. It looks at
// nothing but what has passed selection, with noise, so that it loses nothing.
// An error would not be as good: after an error the charge is redeemed by
// another run, whose noise is fresh and paid for by nobody.
func fitting(b *plan.Bound, keys [][]plan.Value, kept []int, counts []int64) ([]int, []int64) {
	most := int(plan.MaxCells / (b.Width() + int64(len(b.Outputs)+len(b.Keys))))
	if len(kept) <= most && textOf(keys, kept) <= maxKeyBytes {
		return kept, counts
	}
	places := make([]int, len(kept))
	for i := range places {
		places[i] = i
	}
	slices.SortStableFunc(places, func(x, y int) int { return cmp.Compare(counts[y], counts[x]) })
	fits, room := 0, maxKeyBytes
	for fits < min(most, len(places)) {
		if room -= textOf(keys, kept[places[fits]:places[fits]+1]); room < 0 {
			break
		}
		fits++
	}
	places = places[:fits]
	slices.Sort(places)
	fewer, theirs := make([]int, fits), make([]int64, fits)
	for i, place := range places {
		fewer[i], theirs[i] = kept[place], counts[place]
	}
	return fewer, theirs
}

// textOf returns the bytes of the texts in the keys of some groups.
func textOf(keys [][]plan.Value, groups []int) (bytes int) {
	for _, g := range groups {
		for _, v := range keys[g] {
			bytes += len(v.Str)
		}
	}
	return bytes
}

// checkShape fails closed when plan, price and partials do not belong
// together: a secret key without a threshold must never leave.
func checkShape(p *pricing.Priced, exact *engine.Partials) error {
	groups := len(exact.Keys)
	if !p.Plan.Secret() { // their keys are the plan's, which an engine need not repeat
		groups = int(p.Plan.DeclaredCount(plan.MaxCells))
	}
	switch {
	case p.Plan.Secret() != (p.Selection != nil):
		return privacy.Internal(fmt.Errorf("secret keys %t, selection %t", p.Plan.Secret(), p.Selection != nil), "noise")
	case exact.Keys != nil && len(exact.Keys) != groups:
		return privacy.Internal(fmt.Errorf("%d keys for %d declared groups", len(exact.Keys), groups), "noise")
	case len(p.Noise) != len(p.Plan.Draws) || len(exact.Draws) != len(p.Plan.Draws):
		return privacy.Internal(fmt.Errorf("%d draws planned, %d priced, %d computed", len(p.Plan.Draws), len(p.Noise), len(exact.Draws)), "noise")
	case p.Selection != nil && p.Plan.Draws[p.Selection.Draw].Width() != 1:
		return privacy.Internal(fmt.Errorf("draw %d selects and is not one count", p.Selection.Draw), "noise")
	}
	for i, d := range exact.Draws {
		if d == nil && p.Selection != nil && i < len(exact.Trees) && exact.Trees[i] != nil {
			continue // of the groups that are kept
		}
		if width := p.Plan.Draws[i].Width(); len(d) != groups*width {
			return privacy.Internal(fmt.Errorf("%d values for %d groups of %d", len(d), groups, width), "noise")
		}
	}
	return nil
}
