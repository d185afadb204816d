package result

import (
	"slices"

	"github.com/noised/noised/analytics/plan"
)

// Vector holds the values of one column, all of its type, in a few bytes each: a
// result can have a million rows. A nil Vector has no values. Goroutines may set
// different values at the same time.
type Vector struct {
	typ   plan.Type
	valid []bool // false where the value is NULL
	// One of these has the values, by the type's kind; 0 for NULL.
	ints   []int64
	floats []float64
	texts  []string
}

// NewVector returns n NULLs.
func NewVector(t plan.Type, n int) *Vector {
	v := &Vector{typ: t}
	v.grow(n)
	return v
}

// VectorOf returns a vector of some values.
func VectorOf(t plan.Type, values ...plan.Value) *Vector {
	v := NewVector(t, len(values))
	for i, x := range values {
		v.Set(i, x)
	}
	return v
}

// grow appends n NULLs.
func (v *Vector) grow(n int) {
	v.valid = append(v.valid, make([]bool, n)...)
	switch v.typ.Kind {
	case plan.KindDouble:
		v.floats = append(v.floats, make([]float64, n)...)
	case plan.KindVarchar, plan.KindUnknown:
		v.texts = append(v.texts, make([]string, n)...)
	default:
		v.ints = append(v.ints, make([]int64, n)...)
	}
}

// Len returns the number of values.
func (v *Vector) Len() int {
	if v == nil {
		return 0
	}
	return len(v.valid)
}

// At returns the value at place i.
func (v *Vector) At(i int) plan.Value {
	x := plan.Value{Type: v.typ}
	switch {
	case !v.valid[i]:
		x.Null = true
	case v.floats != nil:
		x.Float = v.floats[i]
	case v.texts != nil:
		x.Str = v.texts[i]
	default:
		x.Int = v.ints[i]
	}
	return x
}

// Set puts a value of the vector's type at place i.
func (v *Vector) Set(i int, x plan.Value) {
	if v.valid[i] = !x.Null; x.Null {
		x = plan.Value{} // nothing is left of what it was
	}
	switch {
	case v.floats != nil:
		v.floats[i] = x.Float
	case v.texts != nil:
		v.texts[i] = x.Str
	default:
		v.ints[i] = x.Int
	}
}

// Equal reports whether two vectors have the same values of the same type.
func (v *Vector) Equal(w *Vector) bool {
	if v == nil || w == nil {
		return v == w
	}
	return v.typ == w.typ && slices.Equal(v.valid, w.valid) && slices.Equal(v.ints, w.ints) &&
		slices.Equal(v.floats, w.floats) && slices.Equal(v.texts, w.texts)
}
