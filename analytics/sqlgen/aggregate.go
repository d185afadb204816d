package sqlgen

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/sqlexpr"
	"github.com/noised/noised/privacy"
)

// Aggregation is a statement that computes the partials of a plan whose strategy
// is BoundIndex or BoundRows: one row per group that has rows, in no order.
//
// Of each relation it takes the rows within the ranks that pass the filter, and
// all else is an aggregate over the UNION ALL of them. Each row counts as
// itself, with the integer that package bounding would make of it, so that the
// outcome depends on neither the order of rows nor threads.
type Aggregation struct {
	SQL string
	// Tenant is the column that has the index of the relation, None unless the
	// plan is grouped by tenant.
	Tenant int
	Keys   []int // per key of the plan; None for the tenant
	Draws  []DrawTotal
}

// DrawTotal says what a draw is in a group: column Sum, plus Times times column
// Count. What is None or NULL is 0.
type DrawTotal struct {
	Sum   int // of 128 bits
	Count int // of 64 bits, not negative
	Times int64
}

// Known is what is known of the rows that the relations store. What need not be
// done for that is left out of a statement, whose outcome is the same. A function
// that is nil knows nothing.
type Known struct {
	// Within says whether all that an expression is, in steps of a quantum, is
	// within its bounds. Then it need not be brought there row by row.
	Within func(value plan.Expr, q plan.Quantum) bool
	// Below says whether all ranks of a kind that a source stores are below a
	// limit. Then no row need be asked.
	Below func(alias, rank string, limit int64) bool
}

// Aggregate renders the core of a plan over relations. Errors are internal.
func Aggregate(p *plan.Bound, known Known, relations ...Relation) (*Aggregation, error) {
	a := &aggregation{plan: p, known: known, index: make(map[string]int)}
	out, err := a.statement(relations)
	if err != nil {
		return nil, privacy.Internal(err, "generating SQL")
	}
	return out, nil
}

// aggregation collects the columns around the relations: those that are grouped
// by, and then the others.
type aggregation struct {
	plan    *plan.Bound
	known   Known
	types   []plan.Type // of the relations' columns
	columns []string
	groups  int
	index   map[string]int
}

// Columns of a relation's rows, beside those that columnOf names.
const (
	tagColumn  = "_tag"  // the index of the relation
	rankColumn = "_rank" // counts units where it is 0
)

// columnOf names a column of the rows of a relation.
func columnOf(place int) string { return "c" + strconv.Itoa(place) }

func (a *aggregation) statement(relations []Relation) (*Aggregation, error) {
	if a.plan.Strategy.Bounding == plan.BoundStream || len(relations) == 0 {
		return nil, fmt.Errorf("there is nothing to aggregate")
	}
	layout, parts, err := a.parts(relations)
	if err != nil {
		return nil, err
	}
	out := &Aggregation{Tenant: None}
	for _, place := range layout.Keys {
		if place == None {
			out.Tenant = a.put(tagColumn)
		} else {
			place = a.put(columnOf(place))
		}
		out.Keys = append(out.Keys, place)
	}
	a.groups = len(a.columns)
	for i, d := range a.plan.Draws {
		total, err := a.draw(d, layout.Draws[i])
		if err != nil {
			return nil, err
		}
		out.Draws = append(out.Draws, total)
	}
	out.SQL = "SELECT " + strings.Join(a.columns, ", ") + " FROM (" + strings.Join(parts, " UNION ALL ") + ")"
	if a.groups > 0 {
		out.SQL += " GROUP BY " + strings.Join(a.columns[:a.groups], ", ")
	}
	return out, nil
}

// parts renders the rows of each relation. They differ in little but the names of
// segments: a thousand are as quickly rendered as they are written down.
func (a *aggregation) parts(relations []Relation) (Layout, []string, error) {
	var s *selection
	var st *open
	parts := make([]string, len(relations))
	for i, r := range relations {
		if s == nil || s.Own && s.Tenant != r.Tenant {
			s = &selection{plan: a.plan, index: make(map[string]int), ranked: true, known: a.known}
			s.Tenant = r.Tenant
			var err error
			if st, err = s.statement(); err != nil {
				return Layout{}, nil, err
			}
		}
		var err error
		if parts[i], err = st.of(strconv.Itoa(i)+" AS "+tagColumn, r); err != nil {
			return Layout{}, nil, err
		}
	}
	a.types = s.types
	return st.layout, parts, nil
}

// put adds a column, once, and returns its place.
func (a *aggregation) put(sql string) int {
	if i, ok := a.index[sql]; ok {
		return i
	}
	a.columns, a.index[sql] = append(a.columns, sql), len(a.columns)
	return len(a.columns) - 1
}

// draw renders a draw's aggregates. The centre is subtracted from the total: the
// sum of v − C over n values is their sum − C·n, in integers that hold both: n is
// below 2^63, and |v| and |C| are at most 2^48, so that no sum leaves 128 bits.
func (a *aggregation) draw(d plan.Draw, of DrawColumns) (DrawTotal, error) {
	var conditions []string
	if of.Mask != None {
		conditions = append(conditions, columnOf(of.Mask))
	}
	switch d.Kind {
	case plan.DrawUnits:
		if of.Mask != None || of.Present != None {
			return DrawTotal{}, fmt.Errorf("units are counted by rank, with no condition")
		}
		// A sum of zeros and ones is faster than a count with a condition.
		return DrawTotal{Sum: a.put("sum((" + rankColumn + " = 0)::UTINYINT)"), Count: None}, nil
	case plan.DrawRows:
		counted := "*"
		if of.Present != None {
			counted = columnOf(of.Present)
		}
		return DrawTotal{Sum: None, Count: a.put("count(" + counted + ")" + filter(conditions)), Times: 1}, nil
	case plan.DrawSum, plan.DrawSquares:
	case plan.DrawDistinct, plan.DrawTree:
		return DrawTotal{}, fmt.Errorf("a draw of kind %d is not a sum", d.Kind)
	}
	if of.Present != None {
		conditions = append(conditions, columnOf(of.Present)+" IS NOT NULL")
	}
	value, centre := a.added(d, of.Value)
	out := DrawTotal{Sum: a.put("sum(" + value + ")" + filter(conditions)), Count: None, Times: -centre}
	if centre != 0 {
		out.Count = a.put("count(" + columnOf(of.Value) + ")" + filter(conditions))
	}
	return out, nil
}

func filter(conditions []string) string {
	if len(conditions) == 0 {
		return ""
	}
	return " FILTER (WHERE " + strings.Join(conditions, " AND ") + ")"
}

// added renders what a row adds to a draw before its centre is subtracted, NULL
// where the row has no value. It is what bounding.Steps and bounding.Square
// return, less the centre: y² >> Shift is at most Square.Max, for |y| is at most
// the reach, whose square fits a BIGINT.
func (a *aggregation) added(d plan.Draw, place int) (string, int64) {
	v := columnOf(place)
	if d.Kind == plan.DrawSum {
		return v, d.Quantum.Centre
	}
	y := fmt.Sprintf("(%s - %d)", sqlexpr.Unscaled(sqlexpr.Term{SQL: v, Type: a.types[place]}).SQL, d.Quantum.Centre)
	return fmt.Sprintf("((%s * %s) >> %d)", y, y, d.Square.Shift), d.Square.Centre
}

// delivered renders the columns of the result. Within an aggregation they have
// names, the rank is added where it is needed, and the tag follows.
func (s *selection) delivered() string {
	if !s.ranked {
		return strings.Join(s.columns, ", ")
	}
	out := ""
	for i, sql := range s.columns {
		out += sql + " AS " + columnOf(i) + ", "
	}
	for _, d := range s.plan.Draws {
		if d.Kind == plan.DrawUnits {
			return out + `"` + countedBy(s.plan) + `" AS ` + rankColumn + ", "
		}
	}
	return out
}
