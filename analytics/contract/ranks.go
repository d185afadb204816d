package contract

import "slices"

// MaxRanked limits the groupings whose ranks are stored: each costs every row
// two small integers. What is not ranked is bounded while it is read.
const MaxRanked = 32

// Ranks returns the groupings whose ranks are stored with a table's rows, beside
// the rank within the unit, each with its columns sorted: in a dataset of one
// table those of bounding_index or, without one, each declared dimension on its
// own; in a dataset of several the key of the table by which others refer to
// it, where that is a stored column. It is never nil for a private table, and
// nil for a public one and for one that there is not.
//
// The implicit dimension is in no grouping: rows are ranked within their tenant.
func (c *Contract) Ranks(table string) [][]string {
	t, ok := c.Table(table)
	if !ok || t.Public {
		return nil
	}
	ranks := [][]string{}
	add := func(grouping ...string) {
		grouping = slices.Sorted(slices.Values(grouping))
		same := func(g []string) bool { return slices.Equal(g, grouping) }
		if len(ranks) < MaxRanked && !slices.ContainsFunc(ranks, same) {
			ranks = append(ranks, grouping)
		}
	}
	for _, g := range c.BoundingIndex {
		add(g...)
	}
	for _, child := range c.Tables {
		if v := child.Via; v != nil && v.Table == table && !c.IdentifiesUnit(table, v.Key) {
			add(v.Key)
		}
	}
	for _, col := range c.Columns {
		if c.BoundingIndex == nil && col.Role == RoleDimension && !col.Private {
			add(col.Name)
		}
	}
	return ranks
}
