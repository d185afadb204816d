package duckdb

import (
	"fmt"

	"github.com/noised/noised/analytics/bounding"
	"github.com/noised/noised/analytics/engine/duckdb/attached"
	"github.com/noised/noised/analytics/engine/duckdb/native"
	"github.com/noised/noised/analytics/engine/duckdb/places"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/sqlgen"
)

// buffers is the memory of one decoded block. The batch refers into it.
type buffers struct {
	batch  bounding.Batch
	keys   places.Memory
	values [][]int64
}

// buffersOf returns the memory of a reader.
func buffersOf(r *attached.Reader) *buffers {
	b, ok := r.Memory.(*buffers)
	if !ok {
		b = &buffers{}
		r.Memory = b
	}
	return b
}

// decoder turns chunks of one statement into batches.
type decoder struct {
	draws  []plan.Draw
	layout sqlgen.Layout
	keys   places.Keys
	hash   bounding.ValueHash
	types  []native.Physical
}

func newDecoder(w *worker, layout sqlgen.Layout, tenant string) *decoder {
	r := w.run
	return &decoder{draws: r.plan.Draws, layout: layout, hash: r.hash, keys: places.NewKeys(r.plan, r.domains, w.numbers, layout.Keys, tenant)}
}

// bind checks that the statement's columns have the types that the layout
// promises.
func (d *decoder) bind(types []native.Physical) error {
	d.types = types
	if types[0] != native.PhysicalUint64 {
		return fmt.Errorf("the unit column has another type")
	}
	for i, c := range d.layout.Draws {
		if c.Mask != sqlgen.None && types[c.Mask] != native.PhysicalBool {
			return fmt.Errorf("a mask is not boolean")
		}
		if c.Value == sqlgen.None {
			continue
		}
		if t := types[c.Value]; d.draws[i].Kind == plan.DrawDistinct {
			if t == native.PhysicalOther || t == native.PhysicalUint16 || t == native.PhysicalUint64 || t == native.PhysicalInt128 {
				return fmt.Errorf("a value has a type that cannot be counted")
			}
		} else if !t.IsInteger() {
			return fmt.Errorf("a value is not in steps")
		}
	}
	return d.keys.Bind(types)
}

// decode fills a block from a chunk. The units stay where they are, in the chunk.
func (d *decoder) decode(c *native.Chunk, b *buffers) *bounding.Batch {
	b.batch.Units = native.View[uint64](c.Vector(0, native.PhysicalUint64), c.Rows)
	b.batch.Keys, b.batch.Learned = d.keys.Decode(c, d.types, &b.keys)
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
func (d *decoder) draw(c *native.Chunk, i int, b *buffers) []int64 {
	columns, n := d.layout.Draws[i], c.Rows
	var value, present native.Vector
	if columns.Present != sqlgen.None {
		present = c.Vector(columns.Present, d.types[columns.Present])
	}
	if columns.Value == sqlgen.None && columns.Mask == sqlgen.None && present.Valid == nil {
		return nil
	}
	out := places.Room(b.values[i], n)
	b.values[i] = out
	if columns.Value != sqlgen.None {
		value = c.Vector(columns.Value, d.types[columns.Value])
		d.values(&d.draws[i], value, out)
	} else {
		clear(out)
	}
	dropNulls(value, out)
	dropNulls(present, out)
	if columns.Mask != sqlgen.None {
		mask := c.Vector(columns.Mask, native.PhysicalBool)
		dropNulls(mask, out)
		for row, keep := range native.View[uint8](mask, n) {
			if keep == 0 {
				out[row] = bounding.Absent
			}
		}
	}
	return out
}

// dropNulls marks the NULL rows of a vector as absent.
func dropNulls(v native.Vector, out []int64) {
	if v.Valid == nil {
		return
	}
	for row := range out {
		if v.Null(row) {
			out[row] = bounding.Absent
		}
	}
}
