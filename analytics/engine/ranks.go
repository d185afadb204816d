package engine

import (
	"fmt"
	"slices"

	"github.com/noised/noised/analytics/plan"
)

// checkRanks refuses plans that are bounded by stored ranks, and whose limits do
// not follow from them.
//
// # Why ranks bound
//
// Ranks number the rows of one unit over all segments of a tenant's private
// table: those of a later segment go on from those before (package rank of
// ingest). With one tenant, or units that are (tenant, id), these are all rows of
// a unit. Which rows they keep depends on that unit's rows, on which loads brought
// them, and on a salt only, so that the result is a sum over units of what each
// adds, and filters, masks and draws see kept rows alone.
//
// By an index over a grouping, a unit keeps rows of at most L0 of its keys in
// that grouping (all, where no more are declared), and at most c of each. The
// keys of the plan are those columns and the tenant, of which a unit has one: so
// a unit reaches L0 groups with c rows each, as in package bounding, and at most
// one row of rank 0 in each of them, which counts it.
//
// By rows, a unit keeps m of them: m rows in all, so at most min(m, groups)
// groups and m in any. The limits must say no less: L0 ≥ min(m, groups) and
// c ≥ m, and then L2Rows is m. Neither way bounds a norm otherwise.
func (in Input) checkRanks() error {
	p := in.Plan
	if p.Strategy.Bounding == plan.BoundStream {
		return nil
	}
	if p.Scope != plan.ScopeTenant && len(p.Tenants) != 1 {
		return fmt.Errorf("ranks do not bound a person over %d tenants", len(p.Tenants))
	}
	if p.Limits.MaxL2 != 0 {
		return fmt.Errorf("ranks do not bound a norm")
	}
	if err := in.checkRankedSegments(); err != nil {
		return err
	}
	switch p.Strategy.Bounding {
	case plan.BoundIndex:
		return checkIndex(p)
	case plan.BoundRows:
		return checkRows(p)
	case plan.BoundStream:
	}
	return fmt.Errorf("the bounding %d is unknown", p.Strategy.Bounding)
}

// checkRankedSegments asks that each segment of a private table has the ranks
// that the plan reads.
func (in Input) checkRankedSegments() error {
	for _, s := range in.Segments {
		if s.Tenant == "" {
			continue // of a public table, by permits
		}
		if s.Ranks == nil {
			return fmt.Errorf("a segment of tenant %q has no ranks", s.Tenant)
		}
		for _, grouping := range groupingsOf(in.Plan, s.Table) {
			if !slices.ContainsFunc(s.Ranks, func(g []string) bool { return slices.Equal(g, grouping) }) {
				return fmt.Errorf("a segment of tenant %q has no ranks for %q", s.Tenant, grouping)
			}
		}
	}
	return nil
}

// groupingsOf lists the groupings whose ranks a plan reads of a table.
func groupingsOf(p *plan.Bound, table string) [][]string {
	if p.Strategy.Bounding == plan.BoundIndex {
		return [][]string{p.Strategy.Grouping}
	}
	var out [][]string
	for _, s := range p.Sources {
		if s.Table == table && s.Once && s.Key != "" {
			out = append(out, []string{s.Key})
		}
	}
	return out
}

func checkIndex(p *plan.Bound) error {
	var columns []string
	for _, k := range p.Keys {
		name, bare := k.Column, k.Expr == nil
		if c, ok := k.Expr.(*plan.Column); ok {
			name, bare = c.Name, true
		}
		if !bare {
			return fmt.Errorf("an index does not bound the key %q", k.Column)
		}
		if name != plan.TenantColumn {
			columns = append(columns, name)
		}
	}
	slices.Sort(columns)
	columns = slices.Compact(columns)
	groups := p.UnitGroups()
	switch {
	case p.Sources != nil:
		return fmt.Errorf("an index does not bound a join")
	case len(columns) == 0 || !slices.Equal(columns, p.Strategy.Grouping):
		return fmt.Errorf("the keys %q are not those of the index %q", columns, p.Strategy.Grouping)
	case !ofTenant(p.Filter):
		return fmt.Errorf("an index is not for a plan with a filter")
	case p.Limits.MaxRows != 0 || p.Limits.MaxRowsPerPartition > plan.MaxRank:
		return fmt.Errorf("an index does not bound rows so")
	case p.Limits.MaxPartitions > plan.MaxRank && (groups == 0 || groups > p.Limits.MaxPartitions):
		return fmt.Errorf("ranks of keys do not reach %d", p.Limits.MaxPartitions)
	}
	for _, d := range p.Draws {
		if !sums(d) && d.Kind != plan.DrawUnits || d.Kind == plan.DrawUnits && d.Mask != nil || !present(d.Mask) {
			return fmt.Errorf("an index does not bound %s", d)
		}
	}
	return nil
}

func checkRows(p *plan.Bound) error {
	m, groups := p.Limits.MaxRows, p.UnitGroups()
	most := m
	if groups > 0 {
		most = min(most, groups)
	}
	if m < 1 || m > plan.MaxRank || p.Limits.MaxRowsPerPartition < m || p.Limits.MaxPartitions < most || p.Strategy.Grouping != nil {
		return fmt.Errorf("a limit of %d rows is not one of %d groups of %d", m, p.Limits.MaxPartitions, p.Limits.MaxRowsPerPartition)
	}
	for _, d := range p.Draws {
		whole := len(p.Keys) == 0 && p.Filter == nil && d.Mask == nil && len(p.Sources) < 2
		if !sums(d) && !(d.Kind == plan.DrawUnits && whole) {
			return fmt.Errorf("a limit of rows does not bound %s", d)
		}
	}
	return checkDetermined(p.Sources)
}

// sums reports whether a draw is a sum over rows.
func sums(d plan.Draw) bool {
	return d.Kind == plan.DrawRows || d.Kind == plan.DrawSum || d.Kind == plan.DrawSquares
}

// present reports whether a condition only asks that some values are there.
func present(e plan.Expr) bool {
	c, ok := e.(*plan.Call)
	switch {
	case e == nil:
		return true
	case !ok || c.Func != "and":
		return ok && c.Func == "is not null"
	}
	return !slices.ContainsFunc(c.Args, func(a plan.Expr) bool { return !present(a) })
}

// ofTenant reports whether an expression reads nothing but the tenant.
func ofTenant(e plan.Expr) bool {
	only := true
	plan.Walk(e, func(e plan.Expr) bool {
		c, ok := e.(*plan.Column)
		only = only && (!ok || c.Name == plan.TenantColumn)
		return only
	})
	return only
}
