package query

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/finish"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/planner"
	"github.com/noised/noised/privacy"
)

// noise turns exact partials into a core that may be stored and shown. Each
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
func noise(p *planner.Priced, exact *engine.Partials) (*finish.Core, error) {
	if err := checkShape(p, exact); err != nil {
		return nil, err
	}
	kept, counts, err := keptGroups(p, exact)
	if err != nil {
		return nil, err
	}
	core := &finish.Core{Keys: make([][]plan.Value, len(kept)), Draws: make([][]int64, len(exact.Draws))}
	for i, g := range kept {
		core.Keys[i] = exact.Keys[g]
	}
	for d, of := range p.Plan.Draws {
		if p.Selection != nil && d == p.Selection.Draw {
			core.Draws[d] = counts // what selected the groups is what is shown
			continue
		}
		values := exact.Draws[d]
		if p.Plan.Secret() {
			values = exact.Of(d, of.Width(), kept)
		}
		core.Draws[d] = make([]int64, len(values))
		if err := p.Noise[d].NoiseAll(core.Draws[d], values); err != nil {
			return nil, err
		}
	}
	return core, nil
}

// keptGroups returns the groups that leave, in the order in which they do:
// declared ones as they are; secret ones that pass the threshold sorted by key,
// with the noised counts that decided it.
func keptGroups(p *planner.Priced, exact *engine.Partials) (kept []int, counts []int64, err error) {
	order := groupOrder(p.Plan, exact.Keys)
	if p.Selection == nil {
		return order, nil, nil
	}
	noised := make([]int64, len(order))
	if err := p.Noise[p.Selection.Draw].NoiseAll(noised, exact.Draws[p.Selection.Draw]); err != nil {
		return nil, nil, err
	}
	for _, g := range order {
		if p.Selection.Threshold.Keep(noised[g]) {
			kept, counts = append(kept, g), append(counts, noised[g])
		}
	}
	kept, counts = fitting(p.Plan, exact.Keys, kept, counts)
	return kept, counts, nil
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
func checkShape(p *planner.Priced, exact *engine.Partials) error {
	switch {
	case p.Plan.Secret() != (p.Selection != nil):
		return privacy.Internal(fmt.Errorf("secret keys %t, selection %t", p.Plan.Secret(), p.Selection != nil), "noise")
	case len(p.Noise) != len(p.Plan.Draws) || len(exact.Draws) != len(p.Plan.Draws):
		return privacy.Internal(fmt.Errorf("%d draws planned, %d priced, %d computed", len(p.Plan.Draws), len(p.Noise), len(exact.Draws)), "noise")
	case p.Selection != nil && p.Plan.Draws[p.Selection.Draw].Width() != 1:
		return privacy.Internal(fmt.Errorf("draw %d selects and is not one count", p.Selection.Draw), "noise")
	}
	for i, d := range exact.Draws {
		if d == nil && i < len(exact.Trees) && exact.Trees[i] != nil {
			continue // of the groups that are kept
		}
		if width := p.Plan.Draws[i].Width(); len(d) != len(exact.Keys)*width {
			return privacy.Internal(fmt.Errorf("%d values for %d groups of %d", len(d), len(exact.Keys), width), "noise")
		}
	}
	return nil
}

// groupOrder returns the order in which groups leave: declared order as it is,
// secret keys sorted by value.
func groupOrder(b *plan.Bound, keys [][]plan.Value) []int {
	order := make([]int, len(keys))
	for i := range order {
		order[i] = i
	}
	if b.Secret() {
		slices.SortFunc(order, func(x, y int) int {
			return slices.CompareFunc(keys[x], keys[y], plan.Value.Compare)
		})
	}
	return order
}
