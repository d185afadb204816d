package result

import (
	"fmt"
	"io"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/noised/noised/analytics/plan"
)

// ReadArrow reads back a stream that WriteArrow wrote with intervals.
func ReadArrow(r io.Reader) (*Table, error) {
	in, err := ipc.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("read arrow stream: %w", err)
	}
	defer in.Release()
	schema := in.Schema()
	cols := make([]flat, schema.NumFields())
	for i, f := range schema.Fields() {
		t, err := planType(f.Type)
		if err != nil {
			return nil, err
		}
		cols[i] = flat{name: f.Name, typ: t, meta: pairsOf(f.Metadata), values: NewVector(t, 0)}
	}
	for in.Next() {
		rec := in.RecordBatch()
		for i := range cols {
			cols[i].values.appendColumn(rec.Column(i))
		}
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("read arrow stream: %w", err)
	}
	return fold(cols, pairsOf(schema.Metadata())), nil
}

// fold is the inverse of flatten.
func fold(cols []flat, meta []Pair) *Table {
	t := &Table{Meta: meta}
	for _, f := range cols {
		get := func(key string) string {
			for _, p := range f.meta {
				if p.Key == key {
					return p.Value
				}
			}
			return ""
		}
		level := get("noised.confidence")
		if n := len(t.Columns); level != "" && n > 0 {
			last := &t.Columns[n-1]
			last.Confidence = level
			if strings.HasSuffix(f.name, lowSuffix) {
				last.Low = f.values
			} else {
				last.High = f.values
			}
			continue
		}
		t.Columns = append(t.Columns, Column{Name: f.name, Type: f.typ, Values: f.values,
			Mechanism: Mechanism(get("noised.mechanism")), Stddev: get("noised.stddev"),
			Bounds: get("noised.bounds"), Quantum: get("noised.quantum")})
	}
	return t
}

func pairsOf(m arrow.Metadata) []Pair {
	pairs := make([]Pair, m.Len())
	for i, k := range m.Keys() {
		pairs[i] = Pair{k, m.Values()[i]}
	}
	return pairs
}

func planType(t arrow.DataType) (plan.Type, error) {
	switch t := t.(type) {
	case *arrow.BooleanType:
		return plan.Of(plan.KindBoolean), nil
	case *arrow.Int8Type:
		return plan.Of(plan.KindTinyint), nil
	case *arrow.Int16Type:
		return plan.Of(plan.KindSmallint), nil
	case *arrow.Int32Type:
		return plan.Of(plan.KindInteger), nil
	case *arrow.Int64Type:
		return plan.Of(plan.KindBigint), nil
	case *arrow.Decimal128Type:
		return plan.Type{Kind: plan.KindDecimal, Precision: 18, Scale: uint8(t.Scale)}, nil
	case *arrow.Float64Type:
		return plan.Of(plan.KindDouble), nil
	case *arrow.StringType:
		return plan.Of(plan.KindVarchar), nil
	case *arrow.Date32Type:
		return plan.Of(plan.KindDate), nil
	case *arrow.TimestampType:
		return plan.Of(plan.KindTimestamp), nil
	}
	return plan.Type{}, fmt.Errorf("no column of a result has arrow type %s", t)
}

// appendColumn appends the values of an arrow column of the vector's type. What
// stands where it is NULL is not read.
func (v *Vector) appendColumn(col arrow.Array) {
	from := v.Len()
	v.grow(col.Len())
	for i := range col.Len() {
		v.valid[from+i] = col.IsValid(i)
	}
	switch col := col.(type) {
	case *array.Boolean:
		for i := range col.Len() {
			if col.IsValid(i) && col.Value(i) {
				v.ints[from+i] = 1
			}
		}
	case *array.Int8:
		widen(v, from, col.Values())
	case *array.Int16:
		widen(v, from, col.Values())
	case *array.Int32:
		widen(v, from, col.Values())
	case *array.Int64:
		widen(v, from, col.Values())
	case *array.Date32:
		widen(v, from, col.Values())
	case *array.Timestamp:
		widen(v, from, col.Values())
	case *array.Decimal128:
		for i := range col.Len() {
			if col.IsValid(i) {
				v.ints[from+i] = int64(col.Value(i).LowBits())
			}
		}
	case *array.Float64:
		for i := range col.Len() {
			if col.IsValid(i) {
				v.floats[from+i] = col.Value(i)
			}
		}
	case *array.String:
		for i := range col.Len() {
			if col.IsValid(i) {
				v.texts[from+i] = strings.Clone(col.Value(i)) // not the whole batch with it
			}
		}
	}
}

// widen sets the values from a place on that are valid.
func widen[T ~int8 | ~int16 | ~int32 | ~int64](v *Vector, from int, values []T) {
	for i, x := range values {
		if v.valid[from+i] {
			v.ints[from+i] = int64(x)
		}
	}
}
