package main

import (
	"slices"
	"strings"

	"github.com/rivo/uniseg"
)

// narrow says what a table may do without on a terminal that is too small for
// it. What is written elsewhere, and --format json, is whole.
type narrow struct {
	drop []int // columns that may be left out, the least useful first
	cut  []cut // columns that may be shortened
}

// cut lets a column be shortened to a width of least. Names that differ at
// their ends keep both.
type cut struct {
	column, least int
	middle        bool
}

// fit returns the table as it fits a width: without as few columns as may be,
// those with nothing in them first, and the others as wide as that leaves room
// for. Ids, numbers and everything else that narrow does not name stay whole,
// even where the table remains too wide.
func (g *grid) fit(width int) *grid {
	widths := g.widths()
	if total(widths) <= width {
		return g
	}
	least := slices.Clone(widths)
	for _, c := range g.narrow.cut {
		least[c.column] = min(least[c.column], c.least)
	}
	gone := map[int]bool{}
	for _, c := range slices.Concat(slices.DeleteFunc(slices.Clone(g.narrow.drop), g.hasCells), g.narrow.drop) {
		if total(least) > width && !gone[c] {
			gone[c], least[c], widths[c] = true, 0, 0
		}
	}
	out := &grid{right: map[int]bool{}, header: slices.Clone(g.header)}
	for _, row := range g.rows {
		out.add(slices.Clone(row)...)
	}
	for _, c := range g.narrow.cut {
		if over := total(widths) - width; over > 0 && !gone[c.column] {
			widths[c.column] = max(least[c.column], widths[c.column]-over)
			for _, row := range append([][]string{out.header}, out.rows...) {
				row[c.column] = shorten(printable(row[c.column]), widths[c.column], c.middle)
			}
		}
	}
	return out.without(gone, g.right)
}

func (g *grid) hasCells(column int) bool {
	return slices.ContainsFunc(g.rows, func(row []string) bool { return row[column] != "" })
}

// without leaves columns out; right is of the table before.
func (g *grid) without(gone, right map[int]bool) *grid {
	out := &grid{right: map[int]bool{}}
	kept := func(row []string) (cells []string) {
		for i, cell := range row {
			if !gone[i] {
				out.right[len(cells)] = right[i]
				cells = append(cells, cell)
			}
		}
		return cells
	}
	out.header = kept(g.header)
	for _, row := range g.rows {
		out.add(kept(row)...)
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
	if displayWidth(s) <= width {
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
		if width -= displayWidth(c); width < 0 {
			return slices.Clone(clusters[:i])
		}
	}
	return slices.Clone(clusters)
}
