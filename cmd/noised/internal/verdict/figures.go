package verdict

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
)

// figures are what the tests reported.
type figures struct {
	names  []string // in the order in which they came
	values map[string]string
}

func (f *figures) add(name, value string) {
	if _, known := f.values[name]; !known {
		f.names = append(f.names, name)
	}
	f.values[name] = value
}

// number reads a figure; true is 1 and false is 0.
func number(text string) (float64, bool) {
	if b, err := strconv.ParseBool(text); err == nil && (text == "true" || text == "false") {
		if b {
			return 1, true
		}
		return 0, true
	}
	v, err := strconv.ParseFloat(text, 64)
	return v, err == nil
}

// number returns a figure as a number; NaN, which meets no goal, where there is none.
func (f *figures) number(name string) float64 {
	if v, ok := number(f.values[name]); ok {
		return v
	}
	return math.NaN()
}

// json writes the figures that have goals first, null where one is missing, and the
// others as they came.
func (f *figures) json(goals []Goal) json.RawMessage {
	var b strings.Builder
	written := map[string]bool{}
	write := func(name string) {
		if written[name] {
			return
		}
		if len(written) > 0 {
			b.WriteString(",")
		}
		written[name] = true
		value := f.values[name]
		if _, ok := number(value); !ok {
			text, _ := json.Marshal(value) // a string always has a form
			if value = string(text); value == `""` {
				value = "null"
			}
		}
		fmt.Fprintf(&b, "%q: %s", name, value)
	}
	for _, g := range goals {
		write(g.name)
	}
	for _, name := range f.names {
		write(name)
	}
	return json.RawMessage("{" + b.String() + "}")
}

// judge prints a line for each figure and counts the goals that were missed.
func (f *figures) judge(w io.Writer, goals []Goal) (missed int) {
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	judged := map[string]bool{}
	for _, g := range goals {
		verdict, value := "pass", f.values[g.name]
		if v, ok := number(value); !ok || !g.met(v, f.number) {
			verdict = "MISSED"
			missed++
		}
		if value == "" {
			value = "not measured"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", g.name, value, g.says, verdict)
		judged[g.name] = true
	}
	for _, name := range f.names {
		if !judged[name] {
			fmt.Fprintf(table, "%s\t%s\t\t\n", name, f.values[name])
		}
	}
	_ = table.Flush() // to a terminal or a log
	return missed
}
