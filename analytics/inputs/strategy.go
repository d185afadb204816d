package inputs

import (
	"slices"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/planner"
)

// adapted returns the plan as it is run on given segments: bounded in the way that
// they serve, and by the codes of keys that they store. What the plan is, costs
// and is called stays that of the plan that was priced.
func adapted(b *plan.Bound, segments []engine.Segment) *plan.Bound {
	return coded(bounded(b, segments), segments)
}

// coded returns a plan with the keys marked whose codes are stored in every
// segment that they are read from, for the values that the plan has declared.
// Where a contract has changed its values since some load, the texts are read.
func coded(b *plan.Bound, segments []engine.Segment) *plan.Bound {
	out := *b
	out.Keys = slices.Clone(b.Keys)
	for i, k := range out.Keys {
		out.Keys[i].Coded = engine.Coded(b, k, segments)
	}
	return &out
}

// bounded returns the plan as it was priced, or streamed where the ranks of the
// segments do not serve it.
//
// Streaming keeps other rows of a unit than ranks do, of every unit at once. So
// whether a run falls back must not depend on whose rows there are, or one unit
// could change what is kept of all others. It depends on the ranks that segments
// have, and these on events alone: the contracts that were in force when loads
// came. How many segments there are does not matter, since ranks go on from one
// to the next, nor whether they have been merged, since each row keeps its ranks;
// whether ranks were made of all rows at once does, and loads alone decide that.
func bounded(b *plan.Bound, segments []engine.Segment) *plan.Bound {
	if qualifies(b, segments) {
		return b
	}
	return planner.Streamed(b)
}

// qualifies reports whether a plan can be bounded by the ranks of segments: each
// of a private table has those that the plan asks for.
func qualifies(b *plan.Bound, segments []engine.Segment) bool {
	if b.Strategy.Bounding == plan.BoundStream {
		return true
	}
	return !slices.ContainsFunc(segments, func(s engine.Segment) bool {
		public := s.Tenant == ""
		return !public && (!serves(b, s) || b.Strategy.Whole && s.GoesOn)
	})
}

// serves reports whether a segment has the ranks that a plan asks for of its
// table.
func serves(b *plan.Bound, s engine.Segment) bool {
	has := func(grouping []string) bool {
		return slices.ContainsFunc(s.Ranks, func(g []string) bool { return slices.Equal(g, grouping) })
	}
	if b.Strategy.Bounding == plan.BoundIndex {
		return has(b.Strategy.Grouping)
	}
	lacks := func(o plan.Source) bool { return o.Table == s.Table && o.Key != "" && !has([]string{o.Key}) }
	return s.Ranks != nil && !slices.ContainsFunc(b.Sources, lacks)
}
