package sqlgen

import (
	"fmt"
	"strings"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// UnitColumn holds the unit's pseudonym in a segment's table of rows.
const UnitColumn = "_unit"

// Relation is the table of one segment.
type Relation struct {
	Catalog string // the name under which the segment's file is attached
	Tenant  string // whose rows it holds
}

// None says that a draw or key needs no column.
const None = -1

// Layout says which result column holds what. Column 0 is the unit.
type Layout struct {
	Keys  []int // per key of the plan; None for the tenant, which the segment knows
	Draws []DrawColumns
}

// DrawColumns says which rows a draw counts and with what value: those whose
// Mask is true, and whose Present and Value are not NULL, where there are such
// columns.
type DrawColumns struct {
	Mask    int // boolean
	Present int
	Value   int // integer or decimal, in steps; only for sums
}

// Statement is the query of one segment.
type Statement struct {
	SQL    string
	Layout Layout
}

// selection collects the result columns of a statement.
type selection struct {
	builder
	columns []string
	index   map[string]int
	level   int // of the deepest column or filter
}

// put adds a result column, once, and returns its place.
func (s *selection) put(t term) int {
	s.level = max(s.level, t.level)
	if i, ok := s.index[t.sql]; ok {
		return i
	}
	i := len(s.columns)
	s.columns, s.index[t.sql] = append(s.columns, t.sql), i
	return i
}

// Generate renders the core of a plan over one segment. Every statement of one
// plan has the same layout. Errors are internal: a plan that cannot be rendered
// should not have passed the planner.
func Generate(p *plan.Bound, r Relation) (*Statement, error) {
	s := &selection{index: make(map[string]int)}
	s.tenant = r.Tenant
	st, err := s.statement(p, r)
	if err != nil {
		return nil, privacy.Internal(err, "generating SQL")
	}
	return st, nil
}

func (s *selection) statement(p *plan.Bound, r Relation) (*Statement, error) {
	s.put(term{sql: `"` + UnitColumn + `"`})
	st := &Statement{}
	for _, k := range p.Keys {
		place := None
		if k.Column != plan.TenantColumn {
			name, err := quoteName(k.Column)
			if err != nil {
				return nil, err
			}
			place = s.put(term{sql: name})
		}
		st.Layout.Keys = append(st.Layout.Keys, place)
	}
	draws, err := s.draws(p.Draws)
	if err != nil {
		return nil, err
	}
	st.Layout.Draws = draws
	var filter term
	if p.Filter != nil {
		if filter, err = s.expr(p.Filter); err != nil {
			return nil, err
		}
	}
	st.SQL, err = s.text(r, filter)
	return st, err
}

// draws renders the columns that the draws need. Sums go first, so that a count
// of the rows that have a value finds the value there already.
func (s *selection) draws(draws []plan.Draw) ([]DrawColumns, error) {
	out := make([]DrawColumns, len(draws))
	places := make(map[string]int) // Print of a summed expression → place
	for i, d := range draws {
		out[i] = DrawColumns{Mask: None, Present: None, Value: None}
		if d.Kind != plan.DrawSum {
			continue
		}
		v, err := s.expr(d.Value)
		if err != nil {
			return nil, err
		}
		if v, err = s.quantise(v, d.Quantum); err != nil {
			return nil, err
		}
		out[i].Value = s.put(v)
		places[plan.Print(d.Value)] = out[i].Value
	}
	for i, d := range draws {
		if err := s.mask(d, &out[i], places); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// mask renders a draw's condition. A conjunct "x IS NOT NULL" needs no column
// of its own where x is summed, since a value is NULL exactly where x is.
func (s *selection) mask(d plan.Draw, out *DrawColumns, places map[string]int) error {
	var rest []plan.Expr
	for _, e := range conjuncts(d.Mask) {
		if c, ok := e.(*plan.Call); ok && c.Func == "is not null" && len(c.Args) == 1 {
			if d.Value != nil && plan.Print(c.Args[0]) == plan.Print(d.Value) {
				continue
			}
			if place, ok := places[plan.Print(c.Args[0])]; ok && out.Present == None {
				out.Present = place
				continue
			}
		}
		rest = append(rest, e)
	}
	if len(rest) == 0 {
		return nil
	}
	terms, err := s.exprs(rest)
	if err != nil {
		return err
	}
	out.Mask = s.put(list(boolean, "(", " AND ", ")", terms))
	return nil
}

// conjuncts returns the operands of nested ANDs.
func conjuncts(e plan.Expr) []plan.Expr {
	if e == nil {
		return nil
	}
	if c, ok := e.(*plan.Call); ok && c.Func == "and" {
		var out []plan.Expr
		for _, a := range c.Args {
			out = append(out, conjuncts(a)...)
		}
		return out
	}
	return []plan.Expr{e}
}

// text assembles the statement: one SELECT, over one inner SELECT per level of
// shared operands. The filter stands where its operands exist.
func (s *selection) text(r Relation, filter term) (string, error) {
	catalog, err := quoteName(r.Catalog)
	if err != nil {
		return "", err
	}
	from := catalog + `.main."rows"`
	where := ""
	if filter.sql != "" {
		where = " WHERE " + filter.sql
	}
	for i, added := range s.levels {
		inner := fmt.Sprintf("(SELECT *, %s FROM %s", strings.Join(added, ", "), from)
		if filter.sql != "" && filter.level == i {
			inner, where = inner+where, ""
		}
		from = inner + ")"
	}
	return "SELECT " + strings.Join(s.columns, ", ") + " FROM " + from + where, nil
}
