package order

import (
	"slices"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/contract"
)

// Basis is what a load's new segment has by its order, and which segments decided
// what becomes of its rows.
type Basis struct {
	Ranks   [][]string        // that are stored with its rows
	Codes   map[string]string // digests of what is declared for its columns of codes
	Earlier []string          // segments of the same table that it goes on from
	Parent  []string          // segments of the parent table that tell whose rows these are
}

// Stays reports whether a generation still has the segments that decided what became
// of the new rows of a table.
func (b Basis) Stays(g catalog.Generation, c *contract.Contract, name string, replace bool) bool {
	table, _ := c.Table(name)
	if table.Via != nil && !slices.Equal(ids(g.Of(table.Via.Table)), b.Parent) {
		return false
	}
	return table.Public || replace || slices.Equal(ids(g.Of(name)), b.Earlier)
}

// goOn returns the groupings whose ranks can be stored behind segments: those of
// the contract that each of them has too; nil where one has no ranks at all, since
// then it is unknown what new rows would have to be ranked behind. So segments
// have ranks by the contracts and loads that there were, whatever was loaded.
func goOn(wanted [][]string, segments []catalog.Segment) [][]string {
	for _, seg := range segments {
		if seg.Ranks == nil {
			return nil
		}
		wanted = common(wanted, seg.Ranks)
	}
	return wanted
}

// common returns the groupings that two lists have; it is nil if the first is.
func common(a, b [][]string) [][]string {
	return slices.DeleteFunc(slices.Clone(a), func(g []string) bool {
		return !slices.ContainsFunc(b, func(o []string) bool { return slices.Equal(o, g) })
	})
}

func ids(segments []catalog.Segment) []string {
	var out []string
	for _, seg := range segments {
		out = append(out, seg.ID)
	}
	return out
}
