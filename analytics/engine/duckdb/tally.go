package duckdb

import (
	"fmt"
	"math/bits"

	"github.com/noised/noised/analytics/bounding"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/sqlgen"
	"github.com/noised/noised/privacy"
)

// tally adds up the groups of several statements, which number them in one way:
// with declared keys by the ordinal of the combination, otherwise in the order
// in which they appear.
type tally struct {
	plan    *plan.Bound
	keys    keyDecoder
	tenants []map[string]int32 // per key: places of tenants that were met
	draws   [][]privacy.Int128 // by draw, then group
	buffers buffers
}

func newTally(p *plan.Bound, salt [16]byte) (*tally, error) {
	t := &tally{plan: p, keys: keyDecoder{secret: p.Secret(), numbers: newNumbering(p, salt)}, draws: make([][]privacy.Int128, len(p.Draws))}
	for i, k := range p.Keys {
		c := keyColumn{key: k, learn: t.keys.numbers.domains[i]}
		if c.lookup = c.learn; c.learn == nil {
			d, err := newDomain(k)
			if err != nil {
				return nil, err
			}
			c.lookup = d
		}
		t.keys.columns = append(t.keys.columns, c)
		t.tenants = append(t.tenants, make(map[string]int32))
	}
	if !p.Secret() {
		t.grow(int(p.DeclaredCount(plan.MaxCells)))
	}
	return t, nil
}

// known returns how many secret keys have been numbered.
func (t *tally) known() int {
	if n := len(t.keys.numbers.pairs); n > 0 {
		return len(t.keys.numbers.pairs[n-1].parts)
	}
	return len(t.keys.numbers.domains[0].values)
}

// grow makes room for so many groups.
func (t *tally) grow(groups int) {
	for d, of := range t.draws {
		if groups > len(of) {
			t.draws[d] = append(of, make([]privacy.Int128, groups-len(of))...)
		}
	}
}

// add adds the groups of a block.
func (t *tally) add(c *chunk, types []physical, st *sqlgen.Aggregation, of []sqlgen.Relation) error {
	if err := t.bind(types, st); err != nil {
		return err
	}
	groups := t.number(c, types, st, of)
	for d, total := range st.Draws {
		draw := t.draws[d]
		if total.Sum != sqlgen.None {
			v := c.vector(total.Sum, types[total.Sum])
			for row, sum := range view[hugeint](v, c.rows) {
				if at := groups[row]; at >= 0 && !v.null(row) {
					draw[at] = draw[at].Add(privacy.Int128{Hi: sum.hi, Lo: sum.lo})
				}
			}
		}
		if total.Count != sqlgen.None {
			v := c.vector(total.Count, types[total.Count])
			for row, n := range view[int64](v, c.rows) {
				if at := groups[row]; at >= 0 && !v.null(row) {
					draw[at] = draw[at].Add(multiply(n, total.Times))
				}
			}
		}
	}
	return nil
}

// multiply returns n·times for n ≥ 0.
func multiply(n, times int64) privacy.Int128 {
	if times >= 0 {
		hi, lo := bits.Mul64(uint64(n), uint64(times))
		return privacy.Int128{Hi: int64(hi), Lo: lo}
	}
	hi, lo := bits.Mul64(uint64(n), uint64(-times))
	lo, borrow := bits.Sub64(0, lo, 0)
	hi, _ = bits.Sub64(0, hi, borrow)
	return privacy.Int128{Hi: int64(hi), Lo: lo}
}

// bind checks that a statement's columns have the types that it promises.
func (t *tally) bind(types []physical, st *sqlgen.Aggregation) error {
	for i := range t.keys.columns {
		t.keys.columns[i].place = st.Keys[i]
	}
	if st.Tenant != sqlgen.None && types[st.Tenant] != physicalInt32 {
		return fmt.Errorf("the index of a relation has another type")
	}
	for _, d := range st.Draws {
		if d.Sum != sqlgen.None && types[d.Sum] != physicalInt128 || d.Count != sqlgen.None && types[d.Count] != physicalInt64 {
			return fmt.Errorf("a total has another type")
		}
	}
	return t.keys.bind(types)
}

// number returns the group of each row, −1 outside the declared ones.
func (t *tally) number(c *chunk, types []physical, st *sqlgen.Aggregation, of []sqlgen.Relation) []int32 {
	b, d := &t.buffers, &t.keys
	b.keys = room(b.keys, c.rows)
	clear(b.keys)
	for i := range d.columns {
		places := b.keys
		if i > 0 {
			b.places = room(b.places, c.rows)
			places = b.places
		}
		if st.Keys[i] == sqlgen.None {
			t.tenantPlaces(i, c.vector(st.Tenant, physicalInt32), of, places)
		} else {
			d.columns[i].places(c, types, b, places)
		}
		switch {
		case i == 0:
		case d.secret:
			d.numbers.pairs[i-1].join(b.keys, b.places)
		default:
			joinDeclared(b.keys, b.places, int32(len(d.columns[i].key.Domain)))
		}
	}
	if d.secret {
		t.grow(t.known())
	}
	return b.keys
}

// tenantPlaces finds the places of the tenants of rows' relations.
func (t *tally) tenantPlaces(key int, v vector, of []sqlgen.Relation, out []int32) {
	for row, i := range view[int32](v, len(out)) {
		tenant := of[i].Tenant
		place, met := t.tenants[key][tenant]
		if !met {
			place = t.keys.columns[key].tenantPlace(tenant)
			t.tenants[key][tenant] = place
		}
		out[row] = place
	}
}

// result returns the sums of all groups.
func (t *tally) result() *bounding.Result {
	var keys [][]plan.Value
	if t.keys.secret {
		t.keys.teach(&keys)
	}
	return bounding.Collect(t.plan, keys, t.draws)
}
