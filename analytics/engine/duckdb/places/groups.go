package places

import (
	"fmt"

	"github.com/noised/noised/analytics/engine/duckdb/native"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/sqlgen"
)

// Groups numbers the groups of several statements in one way: with declared keys by
// the ordinal of the combination, otherwise in the order in which they appear.
type Groups struct {
	keys    Keys
	tenants []map[string]int32 // per key: places of tenants that were met
	memory  Memory
}

// NewGroups returns groups of a plan. It fails for a domain that cannot be used.
func NewGroups(p *plan.Bound, salt [16]byte) (*Groups, error) {
	g := &Groups{keys: Keys{secret: p.Secret(), numbers: NewNumbering(p, salt)}}
	for i, k := range p.Keys {
		c := keyColumn{key: k, learn: g.keys.numbers.domains[i]}
		if c.lookup = c.learn; c.learn == nil {
			d, err := NewDeclared(k)
			if err != nil {
				return nil, err
			}
			c.lookup = d
		}
		g.keys.columns = append(g.keys.columns, c)
		g.tenants = append(g.tenants, make(map[string]int32))
	}
	return g, nil
}

// Known returns how many groups with secret keys have been numbered.
func (g *Groups) Known() int { return g.keys.numbers.known() }

// Secret reports whether some key is.
func (g *Groups) Secret() bool { return g.keys.secret }

// Learned returns the keys of the groups in the order of their numbers, nil where they
// are declared.
func (g *Groups) Learned() (keys [][]plan.Value) {
	if g.keys.secret {
		g.keys.teach(&keys)
	}
	return keys
}

// Bind checks that a statement's key columns have the types that it promises.
func (g *Groups) Bind(types []native.Physical, st *sqlgen.Aggregation) error {
	for i := range g.keys.columns {
		g.keys.columns[i].place = st.Keys[i]
	}
	if st.Tenant != sqlgen.None && types[st.Tenant] != native.PhysicalInt32 {
		return fmt.Errorf("the index of a relation has another type")
	}
	return g.keys.Bind(types)
}

// Number returns the group of each row, −1 outside the declared ones.
func (g *Groups) Number(c *native.Chunk, types []native.Physical, st *sqlgen.Aggregation, of []sqlgen.Relation) []int32 {
	b, d := &g.memory, &g.keys
	b.keys = Room(b.keys, c.Rows)
	clear(b.keys)
	for i := range d.columns {
		places := b.keys
		if i > 0 {
			b.places = Room(b.places, c.Rows)
			places = b.places
		}
		if st.Keys[i] == sqlgen.None {
			g.tenantPlaces(i, c.Vector(st.Tenant, native.PhysicalInt32), of, places)
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
	return b.keys
}

// tenantPlaces finds the places of the tenants of rows' relations.
func (g *Groups) tenantPlaces(key int, v native.Vector, of []sqlgen.Relation, out []int32) {
	for row, i := range native.View[int32](v, len(out)) {
		tenant := of[i].Tenant
		place, met := g.tenants[key][tenant]
		if !met {
			place = g.keys.columns[key].tenantPlace(tenant)
			g.tenants[key][tenant] = place
		}
		out[row] = place
	}
}
