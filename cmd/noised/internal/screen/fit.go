package screen

import (
	"slices"
	"strings"

	"github.com/rivo/uniseg"
)

// Narrow says what a table may do without on a terminal that is too small for
// it. What is written elsewhere, and --format json, is whole.
type Narrow struct {
	Drop []int // columns that may be left out, the least useful first
	Cut  []Cut // columns that may be shortened
}

// Cut lets a column be shortened to a width of least. Names that differ at
// their ends keep both.
type Cut struct {
	Column, Least int
	Middle        bool
}

// Fit returns the table as it fits a width: without as few columns as may be,
// those with nothing in them first, and the others as wide as that leaves room
// for. Ids, numbers and everything else that narrow does not name stay whole,
// even where the table remains too wide.
func (g *Grid) Fit(width int) *Grid {
	widths := g.widths()
	if total(widths) <= width {
		return g
	}
	least := slices.Clone(widths)
	for _, c := range g.Narrow.Cut {
		least[c.Column] = min(least[c.Column], c.Least)
	}
	gone := map[int]bool{}
	for _, c := range slices.Concat(slices.DeleteFunc(slices.Clone(g.Narrow.Drop), g.hasCells), g.Narrow.Drop) {
		if total(least) > width && !gone[c] {
			gone[c], least[c], widths[c] = true, 0, 0
		}
	}
	out := &Grid{Right: map[int]bool{}, Header: slices.Clone(g.Header)}
	for _, row := range g.Rows {
		out.Add(slices.Clone(row)...)
	}
	for _, c := range g.Narrow.Cut {
		if over := total(widths) - width; over > 0 && !gone[c.Column] {
			widths[c.Column] = max(least[c.Column], widths[c.Column]-over)
			for _, row := range append([][]string{out.Header}, out.Rows...) {
				row[c.Column] = shorten(printable(row[c.Column]), widths[c.Column], c.Middle)
			}
		}
	}
	return out.without(gone, g.Right)
}

func (g *Grid) hasCells(column int) bool {
	return slices.ContainsFunc(g.Rows, func(row []string) bool { return row[column] != "" })
}

// without leaves columns out; right is of the table before.
func (g *Grid) without(gone, right map[int]bool) *Grid {
	out := &Grid{Right: map[int]bool{}}
	kept := func(row []string) (cells []string) {
		for i, cell := range row {
			if !gone[i] {
				out.Right[len(cells)] = right[i]
				cells = append(cells, cell)
			}
		}
		return cells
	}
	out.Header = kept(g.Header)
	for _, row := range g.Rows {
		out.Add(kept(row)...)
	}
	return out
}

// total is the width of a line. A column of no width is left out.
func total(widths []int) (n int) {
	for _, w := range widths {
		if w > 0 {
			n += w + len(columnGap)
		}
	}
	return n
}

// shorten makes a text fit a width, with … in place of what is left out.
func shorten(s string, width int, middle bool) string {
	if DisplayWidth(s) <= width {
		return s
	}
	head, tail := width-1, 0
	if middle {
		head, tail = width/2, width-1-width/2
	}
	var clusters []string
	for rest := uniseg.NewGraphemes(s); rest.Next(); {
		clusters = append(clusters, rest.Str())
	}
	first := within(clusters, head)
	slices.Reverse(clusters)
	last := within(clusters, tail)
	slices.Reverse(last)
	return strings.Join(first, "") + "…" + strings.Join(last, "")
}

// within returns as many characters as fit a width, from the first on.
func within(clusters []string, width int) []string {
	for i, c := range clusters {
		if width -= DisplayWidth(c); width < 0 {
			return slices.Clone(clusters[:i])
		}
	}
	return slices.Clone(clusters)
}
