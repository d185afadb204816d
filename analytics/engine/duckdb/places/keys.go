package places

import (
	"fmt"
	"slices"

	"github.com/noised/noised/analytics/bounding"
	"github.com/noised/noised/analytics/engine/duckdb/native"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/sqlgen"
)

// Keys numbers the keys of a stream's rows. With declared keys the number
// is the mixed-radix ordinal of the values' places in their domains. Otherwise
// it is the worker's own, in order of appearance, so that workers share
// nothing; the bounder translates it.
type Keys struct {
	columns []keyColumn
	secret  bool
	numbers *Numbering
}

// Numbering is how a worker numbers secret keys, whatever stream they come from.
type Numbering struct {
	domains []*secretDomain // per key; nil for a declared one
	pairs   []pairs         // of the first i+1 dimensions and the next
	learned int             // composite keys that the bounder knows
	Taught  bounding.Numbers
}

// NewNumbering returns the numbering of a worker that has met no key.
func NewNumbering(p *plan.Bound, salt [16]byte) *Numbering {
	n := &Numbering{}
	for i, k := range p.Keys {
		var d *secretDomain
		if k.Secret() {
			d = newSecretDomain(k.Type, salt)
		}
		if n.domains = append(n.domains, d); p.Secret() && i > 0 {
			n.pairs = append(n.pairs, pairs{numbers: newNumbers[uint64](salt)})
		}
	}
	return n
}

// keyColumn is one dimension of a stream.
type keyColumn struct {
	key    plan.Key
	place  int // of its column, or sqlgen.None for the tenant
	lookup lookup
	tenant int32         // the tenant's place in the domain
	learn  *secretDomain // of a secret key; the worker's own
}

// lookup finds the place of a value in a domain, −1 outside it.
type lookup interface {
	integer(v int64) int32
	text(t *native.Text) int32
	null() int32
}

// NewKeys returns what numbers the keys of one stream, of a tenant, whose columns are at
// the given places.
func NewKeys(p *plan.Bound, domains []*Declared, numbers *Numbering, places []int, tenant string) Keys {
	d := Keys{secret: p.Secret(), numbers: numbers}
	for i, k := range p.Keys {
		c := keyColumn{key: k, place: places[i]}
		if k.Secret() {
			c.learn = numbers.domains[i]
			c.lookup = c.learn
		} else {
			c.lookup = domains[i]
		}
		if c.place == sqlgen.None {
			c.tenant = c.tenantPlace(tenant)
		}
		d.columns = append(d.columns, c)
	}
	return d
}

// tenantPlace returns the place of a segment's tenant, −1 outside the domain.
func (c *keyColumn) tenantPlace(tenant string) int32 {
	if c.learn != nil {
		return c.learn.name(tenant)
	}
	return int32(slices.IndexFunc(c.key.Domain, func(v plan.Value) bool { return !v.Null && v.Str == tenant }))
}

// Bind checks that key columns have the types of the plan.
func (d *Keys) Bind(types []native.Physical) error {
	for _, c := range d.columns {
		if c.place == sqlgen.None {
			continue
		}
		got := types[c.place]
		if c.key.Coded && got == native.PhysicalUint16 {
			continue
		}
		isText := c.key.Type.Kind == plan.KindVarchar
		if isText != (got == native.PhysicalText) || (!isText && got != native.PhysicalBool && !got.IsInteger()) {
			return fmt.Errorf("a key column has another type")
		}
	}
	return nil
}

// Decode returns the numbers of a block's keys, nil without any, and, for secret keys,
// what the block teaches.
func (d *Keys) Decode(c *native.Chunk, types []native.Physical, b *Memory) (numbers []int32, learned [][]plan.Value) {
	if len(d.columns) == 0 {
		return nil, nil
	}
	b.keys = Room(b.keys, c.Rows)
	d.columns[0].places(c, types, b, b.keys)
	for i := 1; i < len(d.columns); i++ {
		b.places = Room(b.places, c.Rows)
		d.columns[i].places(c, types, b, b.places)
		if d.secret {
			d.numbers.pairs[i-1].join(b.keys, b.places)
		} else {
			joinDeclared(b.keys, b.places, int32(len(d.columns[i].key.Domain)))
		}
	}
	if d.secret {
		d.teach(&learned)
	}
	return b.keys, learned
}

// places finds the place of each row's value in the column's domain.
func (c *keyColumn) places(ch *native.Chunk, types []native.Physical, b *Memory, out []int32) {
	if c.place == sqlgen.None {
		for row := range out {
			out[row] = c.tenant
		}
		return
	}
	v := ch.Vector(c.place, types[c.place])
	switch v.Kind {
	case native.PhysicalText:
		textPlaces(c.lookup, v, out)
		return
	case native.PhysicalUint16:
		codePlaces(v, len(c.key.Domain), out)
		return
	default:
	}
	b.wide = Room(b.wide, len(out))
	native.Integers(v, b.wide)
	for row := range out {
		switch {
		case v.Null(row):
			out[row] = c.lookup.null()
		case row > 0 && b.wide[row] == b.wide[row-1] && !v.Null(row-1):
			out[row] = out[row-1]
		default:
			out[row] = c.lookup.integer(b.wide[row])
		}
	}
}

// codePlaces takes stored codes as the places that they are. A text outside the
// domain has a larger one, and one that an outer join did not find has none.
func codePlaces(v native.Vector, size int, out []int32) {
	for row, code := range native.View[uint16](v, len(out)) {
		if out[row] = int32(code); int(code) >= size {
			out[row] = -1
		}
	}
	if v.Valid == nil {
		return
	}
	for row := range out {
		if v.Null(row) {
			out[row] = -1
		}
	}
}

// textPlaces does not touch the text of a NULL row, which may point anywhere.
func textPlaces(in lookup, v native.Vector, out []int32) {
	texts := native.View[native.Text](v, len(out))
	if d, declared := in.(*Declared); declared && d.hashed.slots != nil && v.Valid == nil {
		d.hashed.places(texts, out, d)
		return
	}
	for row := range out {
		if v.Null(row) {
			out[row] = in.null()
		} else {
			out[row] = in.text(&texts[row])
		}
	}
}

// joinDeclared extends ordinals by one more dimension.
func joinDeclared(keys, places []int32, size int32) {
	for row, place := range places {
		if keys[row] < 0 || place < 0 {
			keys[row] = -1
		} else {
			keys[row] = keys[row]*size + place
		}
	}
}

// pairs numbers pairs of (number of a prefix, place of the next value).
type pairs struct {
	numbers numbers[uint64]
	parts   [][2]int32 // by number
}

// join replaces the numbers of prefixes by those of the pairs.
func (p *pairs) join(keys, places []int32) {
	for row, place := range places {
		if keys[row] < 0 || place < 0 {
			keys[row] = -1
			continue
		}
		pair := uint64(keys[row])<<32 | uint64(place)
		slot := p.numbers.at(pair, pair, 0)
		if slot.next == 0 {
			p.parts = append(p.parts, [2]int32{keys[row], place})
			slot.next = int32(len(p.parts))
		}
		keys[row] = slot.next - 1
	}
}

// known returns how many secret keys have been numbered.
func (n *Numbering) known() int {
	if last := len(n.pairs); last > 0 {
		return len(n.pairs[last-1].parts)
	}
	return len(n.domains[0].values)
}

// teach appends the composite keys that were numbered since it was last called.
func (d *Keys) teach(learned *[][]plan.Value) {
	n := d.numbers
	for known := n.known(); n.learned < known; n.learned++ {
		key, number := make([]plan.Value, len(d.columns)), int32(n.learned)
		for i := len(d.columns) - 1; i > 0; i-- {
			part := n.pairs[i-1].parts[number]
			key[i] = d.columns[i].value(part[1])
			number = part[0]
		}
		key[0] = d.columns[0].value(number)
		*learned = append(*learned, key)
	}
}

// value returns the value at a place of the column's domain.
func (c *keyColumn) value(place int32) plan.Value {
	if c.learn != nil {
		return c.learn.values[place]
	}
	return c.key.Domain[place]
}
