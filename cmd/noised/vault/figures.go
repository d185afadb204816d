package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
)

// goal is a figure that must be there, and what it must be.
type goal struct {
	name string
	says string
	met  func(v float64) bool
}

// goals are in the order of the file.
func goals() []goal {
	is := func(want float64) func(float64) bool { return func(v float64) bool { return v == want } }
	return []goal{
		{"tamperings", "at least 1000", func(v float64) bool { return v >= 1000 }},
		{"caught", "1", is(1)},
		{"corpus", "at least 200", func(v float64) bool { return v >= 200 }},
		{"server_deaths", "0", is(0)},
		{"canaries_found", "0", is(0)},
		{"log_ms", "under 1", func(v float64) bool { return v < 1 }},
		{"encrypted_scan_ratio", "at most 1.15", func(v float64) bool { return v <= 1.15 }},
		{"restore_ok", "true", is(1)},
	}
}

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

// json writes the figures that have goals first, null where one is missing, and the
// others as they came.
func (f *figures) json() ([]byte, error) {
	var b bytes.Buffer
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
	for _, g := range goals() {
		write(g.name)
	}
	for _, name := range f.names {
		write(name)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, []byte("{"+b.String()+"}"), "", "  "); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// judge prints a line for each figure and counts the goals that were missed.
func (f *figures) judge(w io.Writer) (missed int) {
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	judged := map[string]bool{}
	for _, g := range goals() {
		verdict, value := "pass", f.values[g.name]
		if v, ok := number(value); !ok || !g.met(v) {
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
