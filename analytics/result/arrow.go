package result

import (
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/noised/noised/analytics/plan"
)

// decimalPrecision is that of every decimal column of a result: sums over all
// tenants need more digits than one row has.
const decimalPrecision = 38

// batchRows bounds one record batch of a stream.
const batchRows = 64 << 10

// WriteArrow writes the table as an Arrow IPC stream. With intervals, every
// column c that has one is followed by c_low and c_high.
func (t *Table) WriteArrow(w io.Writer, intervals bool) error {
	cols := t.flatten(intervals)
	schema := arrowSchema(cols, t.Meta)
	if room, ok := w.(interface{ Grow(n int) }); ok { // a buffer
		room.Grow(arrowSize(cols))
	}
	out := ipc.NewWriter(w, ipc.WithSchema(schema))
	for from := 0; from < t.Rows() || from == 0; from += batchRows {
		if err := writeBatch(out, schema, cols, from, min(from+batchRows, t.Rows())); err != nil {
			return err
		}
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("close arrow stream: %w", err)
	}
	return nil
}

// arrowSize returns about how many bytes columns take.
func arrowSize(cols []flat) int {
	size := 1 << 10
	for _, c := range cols {
		each := 9
		if t, ok := arrowType(c.typ).(arrow.FixedWidthDataType); ok {
			each = t.BitWidth()/8 + 1
		}
		size += 512 + each*c.values.Len()
	}
	return size
}

func writeBatch(out *ipc.Writer, schema *arrow.Schema, cols []flat, from, to int) error {
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for i, c := range cols {
		if err := c.values.appendTo(b.Field(i), from, to); err != nil {
			return fmt.Errorf("column %s: %w", c.name, err)
		}
	}
	rec := b.NewRecordBatch()
	defer rec.Release()
	if err := out.Write(rec); err != nil {
		return fmt.Errorf("write arrow batch: %w", err)
	}
	return nil
}

func arrowSchema(cols []flat, meta []Pair) *arrow.Schema {
	fields := make([]arrow.Field, len(cols))
	for i, c := range cols {
		fields[i] = arrow.Field{Name: c.name, Type: arrowType(c.typ), Nullable: true, Metadata: arrowMeta(c.meta)}
	}
	m := arrowMeta(meta)
	return arrow.NewSchema(fields, &m)
}

func arrowMeta(pairs []Pair) arrow.Metadata {
	keys, values := make([]string, len(pairs)), make([]string, len(pairs))
	for i, p := range pairs {
		keys[i], values[i] = p.Key, p.Value
	}
	return arrow.NewMetadata(keys, values)
}

func arrowType(t plan.Type) arrow.DataType {
	switch t.Kind {
	case plan.KindBoolean:
		return arrow.FixedWidthTypes.Boolean
	case plan.KindTinyint:
		return arrow.PrimitiveTypes.Int8
	case plan.KindSmallint:
		return arrow.PrimitiveTypes.Int16
	case plan.KindInteger:
		return arrow.PrimitiveTypes.Int32
	case plan.KindBigint:
		return arrow.PrimitiveTypes.Int64
	case plan.KindDecimal:
		return &arrow.Decimal128Type{Precision: decimalPrecision, Scale: int32(t.Scale)}
	case plan.KindDouble:
		return arrow.PrimitiveTypes.Float64
	case plan.KindDate:
		return arrow.FixedWidthTypes.Date32
	case plan.KindTimestamp:
		return &arrow.TimestampType{Unit: arrow.Microsecond}
	case plan.KindVarchar, plan.KindUnknown:
		return arrow.BinaryTypes.String
	}
	return arrow.BinaryTypes.String
}

// appendTo appends the values at the places from … to−1 to a column.
func (v *Vector) appendTo(b array.Builder, from, to int) error {
	valid := v.valid[from:to]
	switch b := b.(type) {
	case *array.BooleanBuilder:
		b.AppendValues(as(v.ints[from:to], func(x int64) bool { return x != 0 }), valid)
	case *array.Int8Builder:
		b.AppendValues(as(v.ints[from:to], func(x int64) int8 { return int8(x) }), valid)
	case *array.Int16Builder:
		b.AppendValues(as(v.ints[from:to], func(x int64) int16 { return int16(x) }), valid)
	case *array.Int32Builder:
		b.AppendValues(as(v.ints[from:to], func(x int64) int32 { return int32(x) }), valid)
	case *array.Int64Builder:
		b.AppendValues(v.ints[from:to], valid)
	case *array.Decimal128Builder:
		b.AppendValues(as(v.ints[from:to], decimal128.FromI64), valid)
	case *array.Float64Builder:
		b.AppendValues(v.floats[from:to], valid)
	case *array.StringBuilder:
		b.AppendValues(v.texts[from:to], valid)
	case *array.Date32Builder:
		b.AppendValues(as(v.ints[from:to], func(x int64) arrow.Date32 { return arrow.Date32(x) }), valid)
	case *array.TimestampBuilder:
		b.AppendValues(as(v.ints[from:to], func(x int64) arrow.Timestamp { return arrow.Timestamp(x) }), valid)
	default:
		return fmt.Errorf("no arrow builder for %s", v.typ)
	}
	return nil
}

func as[T any](ints []int64, of func(int64) T) []T {
	out := make([]T, len(ints))
	for i, x := range ints {
		out[i] = of(x)
	}
	return out
}
