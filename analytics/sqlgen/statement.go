package sqlgen

import (
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/sqlexpr"
	"github.com/noised/noised/privacy"
)

// UnitColumn holds the unit's pseudonym in a segment's table of rows.
const UnitColumn = "_unit"

// Relation is what one statement reads: a segment, or in a plan that joins
// several tables all segments of one tenant and of public tables.
type Relation struct {
	Tenant  string              // whose rows they are
	Catalog string              // the name under which the segment's file is attached
	Tables  map[string][]string // in a join: such names, by table
	Cap     Cap                 // in a join: of each unit's rows in each private table
	Units   Range               // of which rows are read
}

// Range is the units from one up to, and without, another; the zero value has
// all. Segments are ordered by unit, so that the rest of them is not even read.
type Range struct {
	From  uint64
	Below uint64 // 0: no end
}

// Cap limits how many rows of one unit in one table are joined: Rows of them,
// those with the smallest keyed hash of what is read of them. The zero value
// limits nothing.
type Cap struct {
	Rows int64
	Key  string // hexadecimal digits
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
	// Value is, for sums, squares and trees, an integer or decimal column in
	// steps, which draws of one value and quantum share. For a distinct draw it
	// is the value itself, of any type of a contract.
	Value int
}

// Statement is the query of one relation.
type Statement struct {
	SQL    string
	Layout Layout
}

// selection collects the result columns of a statement.
type selection struct {
	sqlexpr.Builder
	plan    *plan.Bound
	columns []string
	types   []plan.Type // of the columns
	index   map[string]int
	level   int // of the deepest column or filter
	// ranked holds for a statement within an aggregation. It has no unit, its
	// columns have names, and its values are within the bounds of their quanta.
	ranked bool
	known  Known
}

// put adds a result column, once, and returns its place.
func (s *selection) put(t sqlexpr.Term) int {
	s.level = max(s.level, t.Level)
	if i, ok := s.index[t.SQL]; ok {
		return i
	}
	i := len(s.columns)
	s.columns, s.types, s.index[t.SQL] = append(s.columns, t.SQL), append(s.types, t.Type), i
	return i
}

// Generate renders the core of a plan over one relation. Every statement of one
// plan has the same layout. Errors are internal: a plan that cannot be rendered
// should not have passed the planner.
func Generate(p *plan.Bound, r Relation) (*Statement, error) {
	s := &selection{plan: p, index: make(map[string]int)}
	s.Tenant = r.Tenant
	open, err := s.statement()
	if err != nil {
		return nil, privacy.Internal(err, "generating SQL")
	}
	st := &Statement{Layout: open.layout}
	if st.SQL, err = open.of("", r); err != nil {
		return nil, privacy.Internal(err, "generating SQL")
	}
	return st, nil
}

// statement is rendered once for all relations, but where it has the tenant in it:
// what is left open is of which segments it is.
func (s *selection) statement() (*open, error) {
	p := s.plan
	if !s.ranked {
		s.put(sqlexpr.Term{SQL: unit})
	}
	st := &open{}
	for _, k := range p.Keys {
		place, err := s.key(k)
		if err != nil {
			return nil, err
		}
		st.layout.Keys = append(st.layout.Keys, place)
	}
	draws, err := s.draws(p.Draws)
	if err != nil {
		return nil, err
	}
	st.layout.Draws = draws
	var filter sqlexpr.Term
	if p.Filter != nil {
		if filter, err = s.Expr(p.Filter); err != nil {
			return nil, err
		}
	}
	return st, s.enclose(st, filter)
}

// key renders what is grouped by: a column as it is, or its codes, the tenant not
// at all, and any other expression as exactly the key's type.
func (s *selection) key(k plan.Key) (int, error) {
	column, bare := k.Expr.(*plan.Column)
	if k.Expr == nil {
		column, bare = &plan.Column{Name: k.Column, Type: k.Type}, true
	}
	if bare && column.Name == plan.TenantColumn {
		return None, nil
	}
	if bare {
		if s.coded(k) {
			column = codeOf(column)
		}
		t, err := s.Column(column)
		if err != nil {
			return None, err
		}
		return s.put(t), nil
	}
	t, err := s.Expr(k.Expr)
	if err != nil {
		return None, err
	}
	name, err := sqlexpr.TypeName(k.Type)
	if err != nil {
		return None, err
	}
	if t = sqlexpr.Combine(k.Type, "TRY_CAST(%s AS "+name+")", t); k.Type.Kind == plan.KindVarchar {
		t = canonical(t)
	}
	return s.put(t), nil
}

// canonical brings a text that a query has made into the one form that loaded
// texts have: joining and cutting texts can leave characters decomposed, and
// then two keys would look the same.
func canonical(t sqlexpr.Term) sqlexpr.Term { return sqlexpr.Combine(t.Type, "nfc_normalize(%s)", t) }

// draws renders the columns that the draws need. Values go first, so that a
// count of the rows that have one finds it there already.
func (s *selection) draws(draws []plan.Draw) ([]DrawColumns, error) {
	out := make([]DrawColumns, len(draws))
	places := make(map[string]int) // Print of a value → place
	for i, d := range draws {
		out[i] = DrawColumns{Mask: None, Present: None, Value: None}
		if d.Kind == plan.DrawRows || d.Kind == plan.DrawUnits {
			continue
		}
		v, err := s.value(d)
		if err != nil {
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

// value renders a draw's value, which is NULL exactly where the expression is.
func (s *selection) value(d plan.Draw) (sqlexpr.Term, error) {
	v, err := s.Expr(d.Value)
	if err != nil {
		return sqlexpr.Term{}, err
	}
	if d.Kind != plan.DrawDistinct && s.ranked {
		return s.bounded(d, v)
	}
	if d.Kind != plan.DrawDistinct {
		v, _, err = s.Quantise(v, d.Quantum, false)
		return v, err
	}
	if _, bare := d.Value.(*plan.Column); !bare && v.Type.Kind == plan.KindVarchar {
		v = canonical(v)
	}
	return v, nil
}

// mask renders a draw's condition. A conjunct "x IS NOT NULL" needs no column
// of its own where x is a value, since that is NULL exactly where x is.
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
	terms, err := s.Exprs(rest)
	if err != nil {
		return err
	}
	out.Mask = s.put(sqlexpr.List(plan.Of(plan.KindBoolean), "(", " AND ", ")", terms))
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
