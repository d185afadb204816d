package planner

import (
	"slices"

	"github.com/noised/noised/analytics/canon"
	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/plan"
)

// strategy picks how the limits are enforced, by the contract and the plan
// alone: by stored ranks where these bound what the limits promise, and where
// answers are no worse than streaming makes them. Rows that were loaded without
// their ranks are streamed nevertheless (Streamed). Noise and price follow from
// the limits, and are the same either way.
//
// # Why ranks bound
//
// Ranks are stored per tenant and table, over all loads, and are functions of the
// rows that one unit has there, by load, and of the salt. So is what a condition on them keeps; adding
// or removing a unit moves the result by what is kept of that unit alone. Hence a
// unit must be all in one place: under scope person, each of several tenants
// would keep its own share of a person, and so these are streamed. (A filter on
// the tenant is none here: it has become the set of tenants.)
//
// Index, for a grouping g. KeyRank(g) < L0 keeps rows of at most L0 keys of a
// unit, since its keys have different ranks, and RowRank(g) < c at most c rows
// of each. That is what (L0, c) promise of groups, if groups and keys of g are
// the same. So GROUP BY must have the columns of g, bare, and all of them: else
// L0 keys could fall into one group, with a norm of L0·c instead of c·√L0; and
// no other: else one key could spread over many groups. The tenant's name, which
// is one for a unit, changes nothing; nor does it whether values of a key are
// declared secret, for a unit is counted in the groups of the rows that are
// kept, of ch there are L0 at most, and that is what a selection reckons with. A
// rank that stopped at MaxRank is none within limits of at most MaxRank. Ranks
// of g say nothing about m and the norm, which must not be bounded.
//
// Rows. UnitRank < m keeps at most m rows of a unit, whatever is filtered, grouped
// by and masked later: Σn_g ≤ m, and no more than that. So the other limits must
// follow from it: c ≥ m, and L0 is at least m, or all groups that a unit can
// touch. In a join, one private table has all of its rows and is kept so; of every
// other one, one row at most meets each of them: the one of its key with
// RowRank 0, or the unit's with UnitRank 0. Public tables must not have several,
// which the engine looks after. Rows that an outer join to a private table keeps
// without a partner are bounded by no rank of that table, and are streamed.
//
// # Which draws
//
// What is kept counts as itself: rows, sums and squares are plain aggregates.
// Units are their rows of rank 0, of which there is one in each group as long as
// nothing removes rows but the ranks: no filter, no mask and no join, and for
// UnitRank no key. Distinct values and trees choose among the values of a unit,
// and are streamed.
//
// # Where ranks would be worse
//
// Ranks choose before the filter. Of the rows that are kept hardly any may pass,
// where the unit has many that do. So filters, joins and masks that are more than
// the presence of a value are streamed, unless ranks keep all there is: where
// loads have seen to max_rows, and the query asks for no less.
//
// Ranks go on from load to load, so that a unit's earliest rows are kept. Who
// would see less of later loads for that asks for ranks of all rows at once
// (Whole): index, and rows of fewer than are stored.
//
// Where rows have budgets by period, a filter says whose budget is charged, and
// nothing of other rows is used. Ranks count these too; so it is streamed.
func (p *planning) strategy() error {
	out := &p.out
	if g := byIndex(p.c, out); g != nil {
		out.Strategy = plan.Strategy{Bounding: plan.BoundIndex, Grouping: g, Whole: true}
	} else if m := byRows(p.c, out); m > 0 {
		out.Strategy = plan.Strategy{Bounding: plan.BoundRows, Whole: !keepsAll(p.c, out)}
		out.Limits.MaxRows = m
	}
	return nil
}

// Streamed returns the plan as it is run on rows without their ranks. It costs
// the same and has the same noise, because its limits have the same norms: in one
// group, m = c says nothing that c does not, and is left out, so that rows beyond
// c count by their mean and not by whichever come first.
func Streamed(b *plan.Bound) *plan.Bound {
	s := *b
	s.Strategy = plan.Strategy{}
	if b.Strategy.Bounding == plan.BoundRows && oneGroup(b) {
		s.Limits.MaxRows = 0
	}
	return &s
}

// byIndex returns the grouping by whose ranks a plan is bounded, or nil.
func byIndex(c *contract.Contract, b *plan.Bound) []string {
	var columns []string
	for _, k := range b.Keys {
		switch {
		case k.Expr != nil:
			return nil
		case k.Column != plan.TenantColumn:
			columns = append(columns, k.Column)
		}
	}
	slices.Sort(columns)
	ranked := slices.ContainsFunc(c.Ranks(""), func(g []string) bool { return slices.Equal(g, columns) })
	l := b.Limits
	if b.Sources != nil || b.Filter != nil || !ranked || !inOnePlace(b) || l.MaxRows > 0 || l.MaxL2 > 0 ||
		max(l.MaxPartitions, l.MaxRowsPerPartition) > plan.MaxRank {
		return nil
	}
	for _, d := range b.Draws {
		units := d.Kind == plan.DrawUnits && d.Mask == nil
		if !units && !(additive(d) && presence(d.Mask)) {
			return nil
		}
	}
	return columns
}

// byRows returns the m below which a plan keeps ranks of rows within their unit,
// or 0.
func byRows(c *contract.Contract, b *plan.Bound) int64 {
	l, m := b.Limits, b.Limits.MaxRows
	all := keepsAll(c, b)
	switch {
	case all && (l.MaxRowsPerPartition < m || l.MaxPartitions < min(m, groupsPerUnit(b))):
		return 0
	case !all && (!oneGroup(b) || b.Filter != nil || len(b.Sources) > 1):
		return 0
	case !all:
		m = l.MaxRowsPerPartition
	}
	outer := func(s plan.Source) bool { return s.Outer && !s.Public }
	if m > plan.MaxRank || l.MaxL2 > 0 || !inOnePlace(b) || slices.ContainsFunc(b.Sources, outer) || c.BudgetPer != nil && b.Filter != nil {
		return 0
	}
	for _, d := range b.Draws {
		units := d.Kind == plan.DrawUnits && d.Mask == nil && b.Filter == nil && len(b.Keys) == 0 && len(b.Sources) < 2
		if !units && !(additive(d) && (all || presence(d.Mask))) {
			return 0
		}
	}
	return m
}

// keepsAll reports whether a plan keeps as many rows of a unit as may be stored.
func keepsAll(c *contract.Contract, b *plan.Bound) bool {
	return c.MaxRowsOnly && b.Limits.MaxRows == c.Limits.MaxRows
}

// inOnePlace reports whether all rows of a unit are one tenant's.
func inOnePlace(b *plan.Bound) bool { return b.Scope == plan.ScopeTenant || len(b.Tenants) == 1 }

// oneGroup reports whether all rows of a unit that is in one place are in one
// group.
func oneGroup(b *plan.Bound) bool {
	return !slices.ContainsFunc(b.Keys, func(k plan.Key) bool { return k.Column != plan.TenantColumn })
}

// additive reports whether a draw is a sum over rows.
func additive(d plan.Draw) bool {
	return d.Kind == plan.DrawRows || d.Kind == plan.DrawSum || d.Kind == plan.DrawSquares
}

// presence reports whether a mask says no more than that values are there.
func presence(mask plan.Expr) bool {
	return !slices.ContainsFunc(canon.Conjuncts(mask), func(e plan.Expr) bool {
		call, ok := e.(*plan.Call)
		return !ok || call.Func != "is not null"
	})
}
