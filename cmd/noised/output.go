package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
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

// grid is a plain table: a header, rows, and the columns that hold numbers.
type grid struct {
	header []string
	rows   [][]string
	right  map[int]bool // right-aligned columns
}

func (g *grid) add(cells ...string) { g.rows = append(g.rows, cells) }

// write prints the table with columns as wide as their widest cell and a rule
// below the header.
func (g *grid) write(w io.Writer) {
	widths := make([]int, len(g.header))
	for _, row := range append([][]string{g.header}, g.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
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
		pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
		if g.right[i] {
			b.WriteString("  " + pad + cell)
		} else {
			b.WriteString("  " + cell + pad)
		}
	}
	fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
}
