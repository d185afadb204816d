package duckdb

import (
	"fmt"

	"github.com/noised/noised/analytics/bounding"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/sqlgen"
)

// buffers is the memory of one decoded block. The batch refers into it.
type buffers struct {
	batch  bounding.Batch
	keys   []int32
	places []int32
	wide   []int64
	values [][]int64
}

// room returns s with length n, with a new array only if it is too short.
func room[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, max(n, 2048))
	}
	return s[:n]
}

// decoder turns chunks of one statement into batches.
type decoder struct {
	draws  []plan.Draw
	layout sqlgen.Layout
	keys   keyDecoder
	hash   bounding.ValueHash
	types  []physical
}

func newDecoder(w *worker, layout sqlgen.Layout, tenant string) *decoder {
	r := w.run
	return &decoder{draws: r.plan.Draws, layout: layout, hash: r.hash, keys: newKeyDecoder(r.plan, r.domains, w.numbers, layout.Keys, tenant)}
}

// bind checks that the statement's columns have the types that the layout
// promises.
func (d *decoder) bind(types []physical) error {
	d.types = types
	if types[0] != physicalUint64 {
		return fmt.Errorf("the unit column has another type")
	}
	for i, c := range d.layout.Draws {
		if c.Mask != sqlgen.None && types[c.Mask] != physicalBool {
			return fmt.Errorf("a mask is not boolean")
		}
		if c.Value == sqlgen.None {
			continue
		}
		if t := types[c.Value]; d.draws[i].Kind == plan.DrawDistinct {
			if t == physicalOther || t == physicalUint16 || t == physicalUint64 || t == physicalInt128 {
				return fmt.Errorf("a value has a type that cannot be counted")
			}
		} else if !t.isInteger() {
			return fmt.Errorf("a value is not in steps")
		}
	}
	return d.keys.bind(types)
}

// decode fills a block from a chunk. The units stay where they are, in the chunk.
func (d *decoder) decode(c *chunk, b *buffers) *bounding.Batch {
	b.batch.Units = view[uint64](c.vector(0, physicalUint64), c.rows)
	d.keys.decode(c, d.types, b)
	if len(b.values) != len(d.draws) {
		b.values = make([][]int64, len(d.draws))
		b.batch.Values = make([][]int64, len(d.draws))
	}
	for i := range d.draws {
		b.batch.Values[i] = d.draw(c, i, b)
	}
	return &b.batch
}

// draw decodes what a draw needs of the rows, nil if it counts all of them.
func (d *decoder) draw(c *chunk, i int, b *buffers) []int64 {
	columns, n := d.layout.Draws[i], c.rows
	var value, present vector
	if columns.Present != sqlgen.None {
		present = c.vector(columns.Present, d.types[columns.Present])
	}
	if columns.Value == sqlgen.None && columns.Mask == sqlgen.None && present.valid == nil {
		return nil
	}
	out := room(b.values[i], n)
	b.values[i] = out
	if columns.Value != sqlgen.None {
		value = c.vector(columns.Value, d.types[columns.Value])
		d.values(&d.draws[i], value, out)
	} else {
		clear(out)
	}
	dropNulls(value, out)
	dropNulls(present, out)
	if columns.Mask != sqlgen.None {
		mask := c.vector(columns.Mask, physicalBool)
		dropNulls(mask, out)
		for row, keep := range view[uint8](mask, n) {
			if keep == 0 {
				out[row] = bounding.Absent
			}
		}
	}
	return out
}

// dropNulls marks the NULL rows of a vector as absent.
func dropNulls(v vector, out []int64) {
	if v.valid == nil {
		return
	}
	for row := range out {
		if v.null(row) {
			out[row] = bounding.Absent
		}
	}
}

// integers reads an integer or boolean column.
func integers(v vector, out []int64) {
	switch v.kind {
	case physicalBool:
		widen(view[uint8](v, len(out)), out)
	case physicalInt8:
		widen(view[int8](v, len(out)), out)
	case physicalInt16:
		widen(view[int16](v, len(out)), out)
	case physicalInt32:
		widen(view[int32](v, len(out)), out)
	case physicalInt64:
		widen(view[int64](v, len(out)), out)
	default: // excluded by bind
	}
}

func widen[T uint8 | int8 | int16 | int32 | int64](in []T, out []int64) {
	for i, v := range in {
		out[i] = int64(v)
	}
}

// isInteger reports whether the values are signed integers.
func (p physical) isInteger() bool { return p >= physicalInt8 && p <= physicalInt64 }
