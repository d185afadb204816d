package result

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"

	"github.com/noised/noised/analytics/plan"
)

// WriteCSV writes the table as CSV (RFC 4180) with a header. NULL is an empty
// field.
func (t *Table) WriteCSV(w io.Writer, intervals bool) error {
	cols := t.flatten(intervals)
	out := csv.NewWriter(w)
	row := make([]string, len(cols))
	for i, c := range cols {
		row[i] = c.name
	}
	if err := out.Write(row); err != nil {
		return fmt.Errorf("write csv: %w", err)
	}
	for r := range t.Rows() {
		for i, c := range cols {
			row[i] = ""
			if v := c.values[r]; !v.Null {
				row[i] = v.Text()
			}
		}
		if err := out.Write(row); err != nil {
			return fmt.Errorf("write csv: %w", err)
		}
	}
	out.Flush()
	return out.Error()
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
	out := bufio.NewWriter(w)
	sep := "["
	for r := range t.Rows() {
		_, _ = out.WriteString(sep)
		sep = ",\n "
		for i, c := range cols {
			_ = out.WriteByte("{,"[min(i, 1)])
			_, _ = out.Write(names[i])
			text, err := jsonValue(c.values[r])
			if err != nil {
				return fmt.Errorf("write json: %w", err)
			}
			_, _ = out.Write(text)
		}
		_ = out.WriteByte('}')
	}
	if t.Rows() == 0 {
		_ = out.WriteByte('[')
	}
	_, _ = out.WriteString("]\n")
	return out.Flush() // bufio keeps the first write error
}

func jsonValue(v plan.Value) ([]byte, error) {
	if v.Null {
		return []byte("null"), nil
	}
	switch v.Type.Kind {
	case plan.KindVarchar, plan.KindDate, plan.KindTimestamp:
		return json.Marshal(v.Text())
	case plan.KindDouble:
		if math.IsNaN(v.Float) || math.IsInf(v.Float, 0) {
			return []byte("null"), nil
		}
		return json.Marshal(v.Float)
	default:
		return []byte(v.Text()), nil
	}
}
