package places

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/noised/noised/analytics/engine/duckdb/native"
	"github.com/noised/noised/analytics/plan"
)

// denseMax is the width of an integer domain up to which a table is indexed by
// value; wider ones are where they have denseShare of its places or more.
const (
	denseMax   = 1 << 16
	denseShare = 1.0 / 4
)

// Declared finds places in the domain of a declared key. It does not
// change, so that streams can share it. NULL is outside it unless declared, and
// doubles always are.
type Declared struct {
	dense []int32 // by v − first; nil when the domain is too wide
	first int64
	ints  map[int64]int32

	hashed textTable // of the short texts, when there are few
	short  map[native.Text]int32
	long   map[string]int32
	isNull int32 // place of NULL, −1 outside
}

// NewDeclared returns the domain of a declared key, nil for a secret one.
func NewDeclared(k plan.Key) (*Declared, error) {
	if k.Secret() {
		return nil, nil
	}
	d := &Declared{isNull: -1, ints: make(map[int64]int32), short: make(map[native.Text]int32), long: make(map[string]int32)}
	d.flatten(k)
	for i, v := range k.Domain {
		switch {
		case v.Type.Kind == plan.KindDouble || i > math.MaxInt32:
			return nil, fmt.Errorf("a declared domain holds an unusable value")
		case v.Null:
			d.isNull = int32(i)
		case d.dense != nil:
			d.dense[v.Int-d.first] = int32(i)
		case v.Type.Kind != plan.KindVarchar:
			d.ints[v.Int] = int32(i)
		case len(v.Str) <= native.InPlace:
			d.short[makeText(v.Str)] = int32(i)
		default:
			d.long[v.Str] = int32(i)
		}
	}
	d.hashed = newTextTable(d.short)
	return d, nil
}

// flatten makes room for the dense table when the integers lie close together.
func (d *Declared) flatten(k plan.Key) {
	lo, hi, n := int64(math.MaxInt64), int64(math.MinInt64), 0
	for _, v := range k.Domain {
		if !v.Null && v.Type.Kind != plan.KindVarchar {
			lo, hi, n = min(lo, v.Int), max(hi, v.Int), n+1
		}
	}
	if n == 0 || uint64(hi)-uint64(lo) >= max(denseMax, uint64(float64(n)/denseShare)) {
		return
	}
	d.first, d.dense = lo, make([]int32, hi-lo+1)
	for i := range d.dense {
		d.dense[i] = -1
	}
}

func (d *Declared) null() int32 { return d.isNull }

func (d *Declared) integer(v int64) int32 {
	if d.dense != nil {
		if i := uint64(v) - uint64(d.first); i < uint64(len(d.dense)) {
			return d.dense[i]
		}
		return -1
	}
	if place, ok := d.ints[v]; ok {
		return place
	}
	return -1
}

func (d *Declared) text(t *native.Text) int32 {
	place, ok := int32(0), false
	switch {
	case !t.InPlace():
		place, ok = d.long[string(t.Bytes())] // does not allocate
	case d.hashed.slots != nil:
		return d.hashed.place(t)
	default:
		place, ok = d.short[*t]
	}
	if !ok {
		return -1
	}
	return place
}

// secretDomain numbers the values of a secret key as they appear.
type secretDomain struct {
	typ    plan.Type
	values []plan.Value
	isNull int32 // place of NULL, −1 until it appears

	ints  numbers[int64]
	short numbers[native.Text]
	long  map[string]int32
}

func newSecretDomain(t plan.Type, salt [16]byte) *secretDomain {
	return &secretDomain{typ: t, isNull: -1, ints: newNumbers[int64](salt), short: newNumbers[native.Text](salt), long: make(map[string]int32)}
}

// add appends a value that is new.
func (d *secretDomain) add(v plan.Value) int32 {
	d.values = append(d.values, v)
	return int32(len(d.values) - 1)
}

func (d *secretDomain) null() int32 {
	if d.isNull < 0 {
		d.isNull = d.add(plan.Null(d.typ))
	}
	return d.isNull
}

func (d *secretDomain) integer(v int64) int32 {
	slot := d.ints.at(v, uint64(v), 0)
	if slot.next == 0 {
		slot.next = d.add(plan.IntValue(d.typ, v)) + 1
	}
	return slot.next - 1
}

func (d *secretDomain) text(t *native.Text) int32 {
	if t.InPlace() {
		slot := d.short.at(*t, t[0], t[1])
		if slot.next == 0 {
			slot.next = d.add(plan.StringValue(string(t.Bytes()))) + 1
		}
		return slot.next - 1
	}
	place, ok := d.long[string(t.Bytes())] // does not allocate
	if !ok {
		s := string(t.Bytes())
		place = d.add(plan.StringValue(s))
		d.long[s] = place
	}
	return place
}

// name returns the place of a text that is not in a vector.
func (d *secretDomain) name(s string) int32 {
	if len(s) <= native.InPlace {
		t := makeText(s)
		return d.text(&t)
	}
	if _, ok := d.long[s]; !ok {
		d.long[s] = d.add(plan.StringValue(s))
	}
	return d.long[s]
}

// makeText lays a text of at most inPlace bytes out as DuckDB does.
func makeText(s string) native.Text {
	var raw [16]byte
	binary.LittleEndian.PutUint32(raw[:4], uint32(len(s)))
	copy(raw[4:], s)
	return native.Text{binary.LittleEndian.Uint64(raw[:8]), binary.LittleEndian.Uint64(raw[8:])}
}
