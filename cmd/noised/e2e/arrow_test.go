package e2e

import (
	"bytes"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
)

// table is an Arrow stream with its cells as text and its numbers as float64.
type table struct {
	schema *arrow.Schema
	text   [][]string // by row
	number []map[string]float64
}

// readArrow reads a stream that must be complete.
func readArrow(t testing.TB, stream []byte) table {
	t.Helper()
	r, err := ipc.NewReader(bytes.NewReader(stream))
	check(t, err)
	defer r.Release()
	out := table{schema: r.Schema()}
	for r.Next() {
		rec := r.RecordBatch()
		for row := range int(rec.NumRows()) {
			texts, numbers := make([]string, rec.NumCols()), map[string]float64{}
			for i, col := range rec.Columns() {
				texts[i] = col.ValueStr(row)
				switch c := col.(type) {
				case *array.Int64:
					numbers[rec.ColumnName(i)] = float64(c.Value(row))
				case *array.Float64:
					numbers[rec.ColumnName(i)] = c.Value(row)
				case *array.Decimal128:
					numbers[rec.ColumnName(i)] = c.Value(row).ToFloat64(c.DataType().(*arrow.Decimal128Type).Scale)
				}
			}
			out.text, out.number = append(out.text, texts), append(out.number, numbers)
		}
	}
	check(t, r.Err())
	return out
}

// names returns the names of the columns.
func (t table) names() []string {
	var out []string
	for _, f := range t.schema.Fields() {
		out = append(out, f.Name)
	}
	return out
}
