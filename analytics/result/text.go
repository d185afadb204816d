package result

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/noised/noised/analytics/plan"
)

// bufferBytes is how much text is written at a time.
const bufferBytes = 64 << 10

// WriteCSV writes the table as CSV (RFC 4180) with a header. NULL is an empty
// field.
func (t *Table) WriteCSV(w io.Writer, intervals bool) error {
	cols := t.flatten(intervals)
	out := bufio.NewWriterSize(w, bufferBytes)
	var line []byte
	for i, c := range cols {
		line = appendField(separated(line, i), c.name)
	}
	_, _ = out.Write(append(line, '\n'))
	for r := range t.Rows() {
		line = line[:0]
		for i, c := range cols {
			line = separated(line, i)
			switch v := c.values.At(r); {
			case v.Null:
			case v.Type.Kind == plan.KindVarchar:
				line = appendField(line, v.Str)
			default:
				line = v.AppendText(line)
			}
		}
		_, _ = out.Write(append(line, '\n'))
	}
	if err := out.Flush(); err != nil { // bufio keeps the first write error
		return fmt.Errorf("write csv: %w", err)
	}
	return nil
}

func separated(line []byte, field int) []byte {
	if field > 0 {
		line = append(line, ',')
	}
	return line
}

// appendField appends a text, in quotes where encoding/csv sets them too: around
// what has a comma, a quote or the end of a line, begins with a space, or could be
// taken for the end of data.
func appendField(line []byte, s string) []byte {
	first, _ := utf8.DecodeRuneInString(s)
	if !strings.ContainsAny(s, ",\"\r\n") && (s == "" || !unicode.IsSpace(first)) && s != `\.` {
		return append(line, s...)
	}
	line = append(line, '"')
	line = append(line, strings.ReplaceAll(s, `"`, `""`)...)
	return append(line, '"')
}

// WriteJSON writes the table as a JSON array of objects, one per row, members
// in column order. Numbers are JSON numbers, dates and timestamps strings.
func (t *Table) WriteJSON(w io.Writer, intervals bool) error {
	cols := t.flatten(intervals)
	names := make([][]byte, len(cols))
	for i, c := range cols {
		name, err := json.Marshal(c.name)
		if err != nil {
			return fmt.Errorf("write json: %w", err)
		}
		names[i] = append(name, ':')
	}
	out := bufio.NewWriterSize(w, bufferBytes)
	sep := "["
	var line []byte
	for r := range t.Rows() {
		line, sep = append(line[:0], sep...), ",\n "
		for i, c := range cols {
			line = append(append(line, "{,"[min(i, 1)]), names[i]...)
			var err error
			if line, err = appendJSON(line, c.values.At(r)); err != nil {
				return fmt.Errorf("write json: %w", err)
			}
		}
		_, _ = out.Write(append(line, '}'))
	}
	if t.Rows() == 0 {
		_ = out.WriteByte('[')
	}
	_, _ = out.WriteString("]\n")
	return out.Flush() // bufio keeps the first write error
}

func appendJSON(line []byte, v plan.Value) ([]byte, error) {
	var text []byte
	var err error
	switch {
	case v.Null, v.Type.Kind == plan.KindDouble && (math.IsNaN(v.Float) || math.IsInf(v.Float, 0)):
		return append(line, "null"...), nil
	case v.Type.Kind == plan.KindDouble:
		text, err = json.Marshal(v.Float)
	case v.Type.Kind == plan.KindVarchar, v.Type.Kind == plan.KindDate, v.Type.Kind == plan.KindTimestamp:
		text, err = json.Marshal(v.Text())
	default:
		return v.AppendText(line), nil
	}
	return append(line, text...), err
}
