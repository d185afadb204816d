package sqlgen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/noised/noised/analytics/plan"
)

// from renders the relation below all levels. Over one table it is the rows of
// one segment; over several it is the join of one tenant's tables with the
// public ones. Either has the unit, and each needed column under the name that
// columnName gives it.
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
// Where ranks bound the plan, it also returns the conditions that are left to be
// asked of the rows, and the order is nobody's concern.
func (s *selection) from(r Relation) (string, []string, error) {
	if len(s.plan.Sources) > 1 {
		rows, err := s.join(r)
		return rows, nil, err
	}
	rows, err := table(r.Catalog, r.Units)
	if err != nil {
		return "", nil, err
	}
	var one plan.Source
	if len(s.plan.Sources) == 1 {
		one = s.plan.Sources[0]
	}
	kept, err := s.ranks(one)
	if err != nil || s.plan.Sources == nil {
		return rows, kept, err
	}
	own := []string{unit}
	if s.ranked {
		own = []string{"*"} // the names of what is renamed have a dot
	}
	columns, err := renamed("", s.read()[one.Alias])
	return "(SELECT " + strings.Join(append(own, columns...), ", ") + " FROM " + rows + where(kept) + ")", nil, err
}

func (s *selection) join(r Relation) (string, error) {
	read := s.read()
	columns := []string{"j0." + unit}
	text, place := "", make(map[string]int)
	for i, src := range s.plan.Sources {
		if _, twice := place[src.Alias]; twice || i == 0 && (src.Public || src.Outer) {
			return "", fmt.Errorf("source %d does not fit", i)
		}
		place[src.Alias] = i
		kept, err := s.ranks(src)
		if err != nil {
			return "", err
		}
		rows, err := union(r.Tables[src.Table], src, read[src.Alias], kept, r)
		if err != nil {
			return "", err
		}
		of, err := renamed(fmt.Sprintf("j%d.", i), read[src.Alias])
		if err != nil {
			return "", err
		}
		columns = append(columns, of...)
		if i == 0 {
			text = rows + " AS j0"
			continue
		}
		on, err := conditions(src, i, place)
		if err != nil {
			return "", err
		}
		how := " JOIN "
		if src.Outer {
			how = " LEFT JOIN "
		}
		text += fmt.Sprintf("%s%s AS j%d ON %s", how, rows, i, on)
	}
	return "(SELECT " + strings.Join(columns, ", ") + " FROM " + text + ")", nil
}

const unit = `"` + UnitColumn + `"`

// columnName is the name of a column within a statement. Names of columns have
// no dots, so that it is one to one.
func columnName(c *plan.Column) string {
	if c.Qualifier == "" {
		return c.Name
	}
	return c.Qualifier + "." + c.Name
}

// table names the rows of some units of a segment.
func table(catalog string, of Range) (string, error) {
	name, err := quoteName(catalog)
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
		from, err := quoteName(c.Name)
		if err != nil {
			return nil, err
		}
		to, err := quoteName(columnName(c))
		if err != nil {
			return nil, err
		}
		out = append(out, prefix+from+" AS "+to)
	}
	return out, nil
}

// union renders one source: all segments of its table, less what is not joined
// of a unit: by ranks, where there are any, or by what is read.
func union(catalogs []string, src plan.Source, columns []*plan.Column, kept []string, r Relation) (string, error) {
	if src.Public {
		r.Units = Range{}
	}
	var names, types []string
	if !src.Public {
		names, types = append(names, unit), append(types, "UBIGINT")
	}
	for _, c := range columns {
		name, err := quoteName(c.Name)
		if err != nil {
			return "", err
		}
		typ, err := storedType(c)
		if err != nil {
			return "", err
		}
		names, types = append(names, name), append(types, typ)
	}
	if len(names) == 0 {
		return "", fmt.Errorf("nothing is read of %s", src.Table)
	}
	var parts []string
	for _, c := range catalogs {
		from, err := table(c, r.Units)
		if err != nil {
			return "", err
		}
		parts = append(parts, "SELECT "+strings.Join(names, ", ")+" FROM "+from+where(kept))
	}
	if len(parts) == 0 {
		var none []string
		for i, name := range names {
			none = append(none, "CAST(NULL AS "+types[i]+") AS "+name)
		}
		parts = []string{"SELECT " + strings.Join(none, ", ") + " WHERE FALSE"}
	}
	text := "(" + strings.Join(parts, " UNION ALL ") + ")"
	if src.Public || len(kept) > 0 {
		return text, nil
	}
	text, err := once(text, names, src)
	if err != nil {
		return "", err
	}
	return atMost(text, names, r.Cap)
}

// once keeps one row for each key of a unit, the first in the order of what is
// read of them.
func once(text string, names []string, src plan.Source) (string, error) {
	if !src.Once {
		return text, nil
	}
	by := unit
	if src.Key != "" {
		key, err := quoteName(src.Key)
		if err != nil {
			return "", err
		}
		if !slices.Contains(names, key) {
			return "", fmt.Errorf("the key of %s is not read", src.Table)
		}
		by += ", " + key
	}
	list := strings.Join(names, ", ")
	return fmt.Sprintf("(SELECT %s FROM %s QUALIFY row_number() OVER (PARTITION BY %s ORDER BY %s) = 1)", list, text, by, list), nil
}

// atMost keeps so many rows of a unit: rows that are alike in all that is read
// of them may stand for one another.
func atMost(text string, names []string, limit Cap) (string, error) {
	if limit.Rows == 0 {
		return text, nil
	}
	if strings.Trim(limit.Key, "0123456789abcdef") != "" || limit.Rows < 0 {
		return "", fmt.Errorf("a cap is out of range")
	}
	list := strings.Join(names, ", ")
	return fmt.Sprintf("(SELECT %s FROM %s QUALIFY row_number() OVER (PARTITION BY %s ORDER BY md5(concat_ws(chr(31), '%s', %s)), %s) <= %d)",
		list, text, unit, limit.Key, list, list, limit.Rows), nil
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
		a, err := quoteName(on.Left.Name)
		if err != nil {
			return "", err
		}
		b, err := quoteName(on.Right.Name)
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
