package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Line prints one figure as soon as it is there.
func Line(w io.Writer, f Figure) {
	if f.Missing != "" {
		fmt.Fprintf(w, "%-46s %s\n", f.Name, f.Missing)
		return
	}
	fmt.Fprintf(w, "%-46s %11s %-7s %11s %9s  %-14s %-4s %-7s %s\n", f.Name, number(f.Value), f.Unit, number(f.Baseline), number(f.Ratio), f.Goal, f.verdict(), f.Strategy, f.Note)
}

// Header prints the heads of the columns of Line.
func Header(w io.Writer) {
	fmt.Fprintf(w, "%-46s %11s %-7s %11s %9s  %-14s %s\n", "name", "value", "unit", "baseline", "ratio", "goal", "pass")
}

// Table prints every figure.
func (r *Report) Table(w io.Writer) {
	m := r.Machine
	fmt.Fprintf(w, "\n%s, %d cores, %d MB, %s, %s, DuckDB %s, commit %s\n", m.CPU, m.Cores, m.MemoryMB, m.System, m.Go, m.DuckDB, m.Commit)
	if r.Quick {
		fmt.Fprintln(w, "small sizes: a smoke run, in which no goal is judged")
	}
	Header(w)
	for _, f := range r.Figures {
		Line(w, f)
	}
}

func (f Figure) verdict() string {
	switch {
	case f.Pass == nil:
		return "-"
	case *f.Pass:
		return "pass"
	}
	return "FAIL"
}

// number writes three or four digits that count, and groups thousands.
func number(v float64) string {
	text := strconv.FormatFloat(v, 'g', 3, 64)
	if v >= 1000 || v <= -1000 {
		text = strconv.FormatFloat(v, 'f', 0, 64)
	} else if strings.Contains(text, "e-") {
		text = strconv.FormatFloat(v, 'f', 6, 64)
	}
	for i := len(text) - 3; v >= 1000 && i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
