package contract

import (
	"regexp"
	"slices"

	"github.com/noised/noised/analytics/plan"
)

var columnName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

// columns reads the columns of a dataset of one table.
func (r *reader) columns(c *Contract, o object) {
	n, ok := o.need("columns")
	if !ok {
		return
	}
	unit := ""
	if c.Columns, ok = r.declared(n, "columns", &unit); ok && unit == "" {
		r.problem(n.line, "columns", "no column has role: unit, so nobody is protected")
	}
	for i, col := range c.Columns {
		if col.Role == RoleKey {
			r.problem(n.lineOf(col.Name), "columns."+shorten(col.Name)+".role", "role: key is for datasets of several tables: use dimension")
			c.Columns[i].Role = ""
		}
	}
}

// declared reads one table's columns in the document's order; unit is the name
// of the unit column that was found before, and is set by the first. A column
// with a problem is kept as far as it was understood, so that what refers to it
// is not reported as well.
func (r *reader) declared(n *node, field string, unit *string) ([]Column, bool) {
	if n.kind != kindMapping {
		r.problem(n.line, field, "must have one entry for each column: name: {type: …, role: …}")
		return nil, false
	}
	if len(n.keys) == 0 || len(n.keys) > r.columnsLeft {
		r.problem(n.line, field, "must declare between 1 and %d columns", MaxColumns)
		return nil, false
	}
	r.columnsLeft -= len(n.keys)
	var columns []Column
	lines := map[string]int{}
	for i, k := range n.keys {
		field := field + "." + shorten(k.name)
		if first, twice := lines[k.name]; twice {
			r.problem(k.line, field, "declared twice, first on line %d", first)
			continue
		}
		lines[k.name] = k.line
		r.checkColumnName(k, field)
		col := r.column(k, n.items[i], field)
		if col.Role == RoleUnit {
			if *unit != "" {
				r.problem(k.line, field, "a second unit column, after %q: a dataset protects one unit", *unit)
			} else {
				*unit = k.name
			}
		}
		columns = append(columns, col)
	}
	return columns, true
}

func (r *reader) checkColumnName(k key, field string) {
	switch {
	case k.name == plan.TenantColumn:
		r.problem(k.line, field, "%q is the name of the implicit dimension: choose another", plan.TenantColumn)
	case !columnName.MatchString(k.name):
		r.problem(k.line, field, "not a valid column name: use a lower-case letter, then up to 62 of a-z, 0-9 and '_'")
	}
}

func (r *reader) column(k key, n *node, field string) Column {
	col := Column{Name: k.name}
	n.rejoinDecimal()
	o, ok := r.object(n, field, "type", "role", "domain", "bounds", "resolution")
	if !ok {
		return col
	}
	o.line = k.line
	if text, ok := o.text("type"); ok {
		t, err := plan.ParseType(text)
		if err != nil {
			r.problem(o.lineOf("type"), o.path("type"), "%s", err)
		}
		col.Type = t
	}
	role, ok := o.text("role")
	if !ok {
		return col
	}
	switch Role(role) {
	case RoleUnit:
		r.keyColumn(RoleUnit, col.Type, o)
	case RoleDimension:
		r.dimension(&col, o)
	case RoleMeasure:
		r.measure(&col, o)
	case RoleKey:
		r.keyColumn(RoleKey, col.Type, o)
	default:
		r.problem(o.lineOf("role"), o.path("role"), "unknown role %q: use unit, dimension, measure or key", shorten(role))
		return col
	}
	col.Role = Role(role)
	return col
}

var (
	decimalHead = regexp.MustCompile(`^(?i)decimal\(\s*\d{1,2}$`)
	decimalTail = regexp.MustCompile(`^\d{1,2}\s*\)$`)
)

// rejoinDecimal lets a column in braces say {type: decimal(10,2), role: …}
// without quotes. To YAML the comma there ends the value, and "2)" is a field
// of its own, which nobody who writes it means.
func (n *node) rejoinDecimal() {
	for i := 0; i+1 < len(n.keys); i++ {
		head, tail := n.items[i], n.keys[i+1]
		if n.keys[i].name == "type" && head.isPlain() && decimalHead.MatchString(head.text) &&
			decimalTail.MatchString(tail.name) && n.items[i+1].isNull() {
			head.text += "," + tail.name
			n.keys = slices.Delete(n.keys, i+1, i+2)
			n.items = slices.Delete(n.items, i+1, i+2)
			return
		}
	}
}

// forbid reports fields that a role has no use for. Silently ignoring them
// would let their author believe in a bound that nobody keeps.
func (o object) forbid(role Role, names ...string) {
	for _, name := range names {
		if o.has(name) {
			o.r.problem(o.lineOf(name), o.path(name), "does not apply to a column with role: %s", role)
		}
	}
}

// keyColumn checks a column whose values only ever identify something.
func (r *reader) keyColumn(role Role, t plan.Type, o object) {
	o.forbid(role, "domain", "bounds", "resolution")
	if t.Kind != plan.KindUnknown && !identifies(t) {
		r.problem(o.lineOf("type"), o.path("type"), "a %s column is an integer or a varchar, not a %s", role, t)
	}
}

// identifies reports whether values of a type are fit to identify a unit or a
// row: equal values are equal texts.
func identifies(t plan.Type) bool { return t.IsInteger() || t.Kind == plan.KindVarchar }

func (r *reader) dimension(col *Column, o object) {
	o.forbid(RoleDimension, "bounds", "resolution")
	if col.Type.Kind == plan.KindDecimal || col.Type.Kind == plan.KindDouble {
		r.problem(o.lineOf("type"), o.path("type"), "a dimension is a boolean, an integer, a varchar, a date or a timestamp, not a %s", col.Type)
		return
	}
	n := o.at["domain"]
	if n == nil {
		// What is not declared is secret.
		col.Private = true
		return
	}
	if col.Type.Kind == plan.KindUnknown {
		return
	}
	col.Domain, col.Private = r.domain(n, o.path("domain"), col.Type)
}
