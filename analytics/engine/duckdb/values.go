package duckdb

import (
	"github.com/noised/noised/analytics/bounding"
	"github.com/noised/noised/analytics/engine/duckdb/native"
	"github.com/noised/noised/analytics/plan"
)

// values decodes what the rows of a vector add to a draw. For NULL rows the
// outcome means nothing.
func (d *decoder) values(draw *plan.Draw, v native.Vector, out []int64) {
	if draw.Kind == plan.DrawDistinct {
		hashes(d.hash, v, out)
		return
	}
	if draw.Kind == plan.DrawSum {
		steps(v, draw.Quantum, out)
		return
	}
	native.Integers(v, out)
	q, s, t := draw.Quantum, draw.Square, draw.Tree
	if draw.Kind == plan.DrawSquares {
		for row, x := range out {
			out[row] = bounding.Square(q, s, x)
		}
		return
	}
	for row, x := range out {
		out[row] = bounding.Leaf(q, t, x)
	}
}

// steps reads a column of steps, within the bounds of its quantum.
func steps(v native.Vector, q plan.Quantum, out []int64) {
	switch v.Kind {
	case native.PhysicalInt8:
		stepsOf(native.View[int8](v, len(out)), q, out)
	case native.PhysicalInt16:
		stepsOf(native.View[int16](v, len(out)), q, out)
	case native.PhysicalInt32:
		stepsOf(native.View[int32](v, len(out)), q, out)
	case native.PhysicalInt64:
		stepsOf(native.View[int64](v, len(out)), q, out)
	default: // excluded by bind
	}
}

func stepsOf[T int8 | int16 | int32 | int64](in []T, q plan.Quantum, out []int64) {
	for i, v := range in {
		out[i] = bounding.Steps(q, int64(v))
	}
}

// hashes hashes the values of a column, without copying texts. It does not touch
// the text of a NULL row, which may point anywhere.
func hashes(h bounding.ValueHash, v native.Vector, out []int64) {
	switch v.Kind {
	case native.PhysicalText:
		texts := native.View[native.Text](v, len(out))
		for row := range out {
			if !v.Null(row) {
				out[row] = h.Text(texts[row].Bytes())
			}
		}
	case native.PhysicalDouble:
		for row, x := range native.View[float64](v, len(out)) {
			out[row] = h.Double(x)
		}
	default:
		native.Integers(v, out)
		for row, x := range out {
			out[row] = h.Integer(x)
		}
	}
}
