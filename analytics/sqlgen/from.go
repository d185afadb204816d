package sqlgen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/sqlexpr"
)

// from is what a statement reads, below all levels, with the segments left open.
// Over one table it is the rows of one segment; over several it is the join of
// one tenant's tables with the public ones. Either has the unit, and each needed
// column under the name that sqlexpr.ColumnName gives it.
//
// # Joins
//
// Every private table after the first is joined on equality of the unit too,
// whatever else it is joined on: so each joined row has one unit, and depends
// on nothing but that unit's rows and public tables. A table is the UNION ALL of
// its segments; where a tenant has loaded none it is an empty relation of the
// same types. Only columns of one type, or integers, are compared, so that no
// cast can fail.
//
// Joined rows are sorted by unit, which is what the bounder needs, and then by
// all else that the statement delivers. Without that, the order within a unit
// would be whatever the join makes it, and rows of others would have a say in
// which of a unit's rows are considered where there are too many.
//
// Where ranks bound the plan, kept are the conditions that are left to be asked of
// the rows, and the order is nobody's concern.
type from struct {
	before, after string // around what is read
	kept          []string
	sources       []source // of a join; nil for one table
}

// from renders what is read, as far as it is the same for all relations.
func (s *selection) from() (*from, error) {
	if len(s.plan.Sources) > 1 {
		return s.join()
	}
	var one plan.Source
	if len(s.plan.Sources) == 1 {
		one = s.plan.Sources[0]
	}
	kept, err := s.ranks(one)
	if err != nil || s.plan.Sources == nil {
		return &from{kept: kept}, err
	}
	own := []string{unit}
	if s.ranked {
		own = []string{"*"} // the names of what is renamed have a dot
	}
	columns, err := renamed("", s.read()[one.Alias])
	return &from{before: "(SELECT " + strings.Join(append(own, columns...), ", ") + " FROM ", after: where(kept) + ")"}, err
}

// of renders what is read of one relation.
func (f *from) of(r Relation) (string, error) {
	if f.sources == nil {
		rows, err := table(r.Catalog, r.Units)
		return f.before + rows + f.after, err
	}
	text := f.before
	for _, src := range f.sources {
		rows, err := src.of(r)
		if err != nil {
			return "", err
		}
		text += src.how + rows + src.on
	}
	return text + f.after, nil
}

func (s *selection) join() (*from, error) {
	read := s.read()
	columns, place := []string{"j0." + unit}, make(map[string]int)
	f := &from{after: ")"}
	for i, src := range s.plan.Sources {
		if _, twice := place[src.Alias]; twice || i == 0 && (src.Public || src.Outer) {
			return nil, fmt.Errorf("source %d does not fit", i)
		}
		place[src.Alias] = i
		one, err := s.source(src, read[src.Alias])
		if err != nil {
			return nil, err
		}
		of, err := renamed(fmt.Sprintf("j%d.", i), read[src.Alias])
		if err != nil {
			return nil, err
		}
		columns, one.on = append(columns, of...), fmt.Sprintf(" AS j%d", i)
		if i > 0 {
			on, err := conditions(src, i, place)
			if err != nil {
				return nil, err
			}
			if one.how, one.on = " JOIN ", one.on+" ON "+on; src.Outer {
				one.how = " LEFT JOIN "
			}
		}
		f.sources = append(f.sources, one)
	}
	f.before = "(SELECT " + strings.Join(columns, ", ") + " FROM "
	return f, nil
}

const unit = `"` + UnitColumn + `"`

// table names the rows of some units of a segment.
func table(catalog string, of Range) (string, error) {
	name, err := sqlexpr.QuoteName(catalog)
	rows := name + `.main."rows"`
	if of == (Range{}) {
		return rows, err
	}
	var kept []string
	if of.From > 0 {
		kept = append(kept, fmt.Sprintf("%s >= %d::UBIGINT", unit, of.From))
	}
	if of.Below > 0 {
		kept = append(kept, fmt.Sprintf("%s < %d::UBIGINT", unit, of.Below))
	}
	return "(SELECT * FROM " + rows + " WHERE " + strings.Join(kept, " AND ") + ")", err
}

// read lists, per source, the columns that the plan reads, sorted.
func (s *selection) read() map[string][]*plan.Column {
	read := make(map[string][]*plan.Column)
	add := func(e plan.Expr) bool {
		c, ok := e.(*plan.Column)
		if ok && c.Qualifier != "" && !slices.ContainsFunc(read[c.Qualifier], func(o *plan.Column) bool { return o.Name == c.Name }) {
			read[c.Qualifier] = append(read[c.Qualifier], c)
		}
		return true
	}
	plan.Walk(s.plan.Filter, add)
	for _, k := range s.plan.Keys {
		if c, bare := k.Expr.(*plan.Column); bare && s.coded(k) {
			add(codeOf(c))
		} else {
			plan.Walk(k.Expr, add)
		}
	}
	for _, d := range s.plan.Draws {
		plan.Walk(d.Mask, add)
		plan.Walk(d.Value, add)
	}
	for _, src := range s.plan.Sources {
		for _, on := range src.On {
			add(on.Left)
			add(on.Right)
		}
	}
	for _, columns := range read {
		slices.SortFunc(columns, func(a, b *plan.Column) int { return strings.Compare(a.Name, b.Name) })
	}
	return read
}

// renamed selects columns under their names within the statement.
func renamed(prefix string, columns []*plan.Column) ([]string, error) {
	var out []string
	for _, c := range columns {
		from, err := sqlexpr.QuoteName(c.Name)
		if err != nil {
			return nil, err
		}
		to, err := sqlexpr.QuoteName(sqlexpr.ColumnName(c))
		if err != nil {
			return nil, err
		}
		out = append(out, prefix+from+" AS "+to)
	}
	return out, nil
}

// conditions renders what the i-th source is joined on.
func conditions(src plan.Source, i int, place map[string]int) (string, error) {
	var out []string
	if !src.Public {
		out = append(out, fmt.Sprintf("j%d.%s = j0.%s", i, unit, unit))
	}
	for _, on := range src.On {
		left, known := place[on.Left.Qualifier]
		if !known || left == i || on.Right.Qualifier != src.Alias || on.Left.Type != on.Right.Type && !(on.Left.Type.IsInteger() && on.Right.Type.IsInteger()) {
			return "", fmt.Errorf("a condition of source %d does not fit", i)
		}
		a, err := sqlexpr.QuoteName(on.Left.Name)
		if err != nil {
			return "", err
		}
		b, err := sqlexpr.QuoteName(on.Right.Name)
		if err != nil {
			return "", err
		}
		out = append(out, fmt.Sprintf("j%d.%s = j%d.%s", left, a, i, b))
	}
	if len(out) == 0 {
		return "", fmt.Errorf("source %d is joined to nothing", i)
	}
	return strings.Join(out, " AND "), nil
}
