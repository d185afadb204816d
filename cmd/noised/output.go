package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// print writes a result: as one JSON document with --format json, else as text
// for people.
func (a *app) print(doc any, text func(w io.Writer)) error {
	asJSON, err := a.wantJSON()
	if err != nil {
		return err
	}
	if !asJSON {
		text(a.stdout)
		return nil
	}
	return writeJSON(a.stdout, doc)
}

func writeJSON(w io.Writer, doc any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(doc)
}

// wrap breaks a line at spaces so that its parts fit a width; a width of zero or
// less leaves it whole.
func wrap(line string, width int) []string {
	var parts []string
	for width > 0 && displayWidth(line) > width {
		at, w := -1, 0
		for i, r := range line {
			if w > width && at > 0 {
				break
			}
			if r == ' ' && strings.TrimSpace(line[:i]) != "" {
				at = i
			}
			w += displayWidth(string(r))
		}
		if at < 0 {
			break
		}
		parts = append(parts, strings.TrimRight(line[:at], " "))
		line = strings.TrimLeft(line[at:], " ")
	}
	return append(parts, line)
}

// printable replaces what would steer a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return utf8.RuneError
		}
		return r
	}, s)
}

// displayWidth is the number of columns that a text takes on a terminal.
func displayWidth(s string) int { return uniseg.StringWidth(s) }

// grid is a plain table: a header, rows, and the columns that hold numbers.
type grid struct {
	header []string
	rows   [][]string
	right  map[int]bool // right-aligned columns
	narrow narrow       // what a small terminal may do without
}

// columnGap stands before every column.
const columnGap = "  "

func (g *grid) add(cells ...string) { g.rows = append(g.rows, cells) }

// widths are those of each column's widest cell.
func (g *grid) widths() []int {
	widths := make([]int, len(g.header))
	for _, row := range append([][]string{g.header}, g.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], displayWidth(printable(cell)))
		}
	}
	return widths
}

// write prints the table with columns as wide as their widest cell and a rule
// below the header. On a terminal it is made to fit.
func (g *grid) write(w io.Writer) {
	if width, ok := terminal(w); ok {
		g = g.fit(width)
	}
	widths := g.widths()
	g.line(w, g.header, widths)
	rules := make([]string, len(widths))
	for i, n := range widths {
		rules[i] = strings.Repeat("─", n)
	}
	g.line(w, rules, widths)
	for _, row := range g.rows {
		g.line(w, row, widths)
	}
}

func (g *grid) line(w io.Writer, cells []string, widths []int) {
	var b strings.Builder
	for i, cell := range cells {
		cell = printable(cell)
		pad := strings.Repeat(" ", widths[i]-displayWidth(cell))
		if g.right[i] {
			b.WriteString(columnGap + pad + cell)
		} else {
			b.WriteString(columnGap + cell + pad)
		}
	}
	fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
}
