package duckdb

import (
	"fmt"
	"math/bits"

	"github.com/noised/noised/analytics/bounding"
	"github.com/noised/noised/analytics/engine/duckdb/native"
	"github.com/noised/noised/analytics/engine/duckdb/places"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/sqlgen"
	"github.com/noised/noised/privacy"
)

// tally adds up the groups of several statements.
type tally struct {
	plan   *plan.Bound
	groups *places.Groups
	draws  [][]privacy.Int128 // by draw, then group
}

func newTally(p *plan.Bound, salt [16]byte) (*tally, error) {
	g, err := places.NewGroups(p, salt)
	if err != nil {
		return nil, err
	}
	t := &tally{plan: p, groups: g, draws: make([][]privacy.Int128, len(p.Draws))}
	if !p.Secret() {
		t.grow(int(p.DeclaredCount(plan.MaxCells)))
	}
	return t, nil
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
func (t *tally) add(c *native.Chunk, types []native.Physical, st *sqlgen.Aggregation, of []sqlgen.Relation) error {
	if err := t.bind(types, st); err != nil {
		return err
	}
	groups := t.groups.Number(c, types, st, of)
	if t.groups.Secret() {
		t.grow(t.groups.Known())
	}
	for d, total := range st.Draws {
		draw := t.draws[d]
		if total.Sum != sqlgen.None {
			v := c.Vector(total.Sum, types[total.Sum])
			for row, sum := range native.View[native.Hugeint](v, c.Rows) {
				if at := groups[row]; at >= 0 && !v.Null(row) {
					draw[at] = draw[at].Add(privacy.Int128{Hi: sum.Hi, Lo: sum.Lo})
				}
			}
		}
		if total.Count != sqlgen.None {
			v := c.Vector(total.Count, types[total.Count])
			for row, n := range native.View[int64](v, c.Rows) {
				if at := groups[row]; at >= 0 && !v.Null(row) {
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
func (t *tally) bind(types []native.Physical, st *sqlgen.Aggregation) error {
	for _, d := range st.Draws {
		if d.Sum != sqlgen.None && types[d.Sum] != native.PhysicalInt128 || d.Count != sqlgen.None && types[d.Count] != native.PhysicalInt64 {
			return fmt.Errorf("a total has another type")
		}
	}
	return t.groups.Bind(types, st)
}

// result returns the sums of all groups.
func (t *tally) result() *bounding.Result {
	return bounding.Collect(t.plan, t.groups.Learned(), t.draws)
}
