// Package screen lays out what the program shows to people: tables that fit a
// terminal, lines that are broken at spaces, numbers and times. What programs read,
// JSON, is written here too, in the one form that every command has.
package screen

import (
	"fmt"
	"io"
	"strings"
)

// Grid is a plain table: a header, rows, and the columns that hold numbers.
type Grid struct {
	Header []string
	Rows   [][]string
	Right  map[int]bool // right-aligned columns
	Narrow Narrow       // what a small terminal may do without
}

// columnGap stands before every column.
const columnGap = "  "

// Add appends a row.
func (g *Grid) Add(cells ...string) { g.Rows = append(g.Rows, cells) }

// widths are those of each column's widest cell.
func (g *Grid) widths() []int {
	widths := make([]int, len(g.Header))
	for _, row := range append([][]string{g.Header}, g.Rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], DisplayWidth(printable(cell)))
		}
	}
	return widths
}

// Write prints the table with columns as wide as their widest cell and a rule
// below the header. On a terminal it is made to fit.
func (g *Grid) Write(w io.Writer) {
	if width, ok := Terminal(w); ok {
		g = g.Fit(width)
	}
	widths := g.widths()
	g.line(w, g.Header, widths)
	rules := make([]string, len(widths))
	for i, n := range widths {
		rules[i] = strings.Repeat("─", n)
	}
	g.line(w, rules, widths)
	for _, row := range g.Rows {
		g.line(w, row, widths)
	}
}

func (g *Grid) line(w io.Writer, cells []string, widths []int) {
	var b strings.Builder
	for i, cell := range cells {
		cell = printable(cell)
		pad := strings.Repeat(" ", widths[i]-DisplayWidth(cell))
		if g.Right[i] {
			b.WriteString(columnGap + pad + cell)
		} else {
			b.WriteString(columnGap + cell + pad)
		}
	}
	fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
}
