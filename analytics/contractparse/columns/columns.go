// Package columns reads the columns that a contract declares: types, roles, domains with
// every value typed and expanded, and the bounds and resolutions of measures. Numbers
// that decide about privacy are computed with exactly.
package columns

import (
	"regexp"
	"slices"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/document"
	"github.com/noised/noised/analytics/plan"
)

// Reader reads columns. The tables of one contract are read by one Reader, since they
// share its limits.
type Reader struct {
	*document.Reader
	domainLeft  int // domain values that the contract may still declare
	columnsLeft int // columns likewise
}

// New returns a Reader that notes problems where r does.
func New(r *document.Reader) *Reader {
	return &Reader{Reader: r, domainLeft: contract.MaxDomainValues, columnsLeft: contract.MaxColumns}
}

var columnName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

// Declared reads one table's columns in the document's order; unit is the name
// of the unit column that was found before, and is set by the first. A column
// with a problem is kept as far as it was understood, so that what refers to it
// is not reported as well.
func (r *Reader) Declared(n *document.Node, field string, unit *string) ([]contract.Column, bool) {
	if n.Kind != document.Mapping {
		r.Problem(n.Line, field, "must have one entry for each column: name: {type: …, role: …}")
		return nil, false
	}
	if len(n.Keys) == 0 || len(n.Keys) > r.columnsLeft {
		r.Problem(n.Line, field, "must declare between 1 and %d columns", contract.MaxColumns)
		return nil, false
	}
	r.columnsLeft -= len(n.Keys)
	var columns []contract.Column
	lines := map[string]int{}
	for i, k := range n.Keys {
		field := field + "." + document.Shorten(k.Name)
		if first, twice := lines[k.Name]; twice {
			r.Problem(k.Line, field, "declared twice, first on line %d", first)
			continue
		}
		lines[k.Name] = k.Line
		r.checkColumnName(k, field)
		col := r.column(k, n.Items[i], field)
		if col.Role == contract.RoleUnit {
			if *unit != "" {
				r.Problem(k.Line, field, "a second unit column, after %q: a dataset protects one unit", *unit)
			} else {
				*unit = k.Name
			}
		}
		columns = append(columns, col)
	}
	return columns, true
}

func (r *Reader) checkColumnName(k document.Key, field string) {
	switch {
	case k.Name == plan.TenantColumn:
		r.Problem(k.Line, field, "%q is the name of the implicit dimension: choose another", plan.TenantColumn)
	case !columnName.MatchString(k.Name):
		r.Problem(k.Line, field, "not a valid column name: use a lower-case letter, then up to 62 of a-z, 0-9 and '_'")
	}
}

func (r *Reader) column(k document.Key, n *document.Node, field string) contract.Column {
	col := contract.Column{Name: k.Name}
	rejoinDecimal(n)
	o, ok := r.Object(n, field, "type", "role", "domain", "bounds", "resolution")
	if !ok {
		return col
	}
	o.Line = k.Line
	if text, ok := o.Text("type"); ok {
		t, err := plan.ParseType(text)
		if err != nil {
			r.Problem(o.LineOf("type"), o.Path("type"), "%s", err)
		}
		col.Type = t
	}
	role, ok := o.Text("role")
	if !ok {
		return col
	}
	switch contract.Role(role) {
	case contract.RoleUnit:
		r.keyColumn(contract.RoleUnit, col.Type, o)
	case contract.RoleDimension:
		r.dimension(&col, o)
	case contract.RoleMeasure:
		r.measure(&col, o)
	case contract.RoleKey:
		r.keyColumn(contract.RoleKey, col.Type, o)
	default:
		r.Problem(o.LineOf("role"), o.Path("role"), "unknown role %q: use unit, dimension, measure or key", document.Shorten(role))
		return col
	}
	col.Role = contract.Role(role)
	return col
}

var (
	decimalHead = regexp.MustCompile(`^(?i)decimal\(\s*\d{1,2}$`)
	decimalTail = regexp.MustCompile(`^\d{1,2}\s*\)$`)
)

// rejoinDecimal lets a column in braces say {type: decimal(10,2), role: …}
// without quotes. To YAML the comma there ends the value, and "2)" is a field
// of its own, which nobody who writes it means.
func rejoinDecimal(n *document.Node) {
	for i := 0; i+1 < len(n.Keys); i++ {
		head, tail := n.Items[i], n.Keys[i+1]
		if n.Keys[i].Name == "type" && head.IsPlain() && decimalHead.MatchString(head.Text) &&
			decimalTail.MatchString(tail.Name) && n.Items[i+1].IsNull() {
			head.Text += "," + tail.Name
			n.Keys = slices.Delete(n.Keys, i+1, i+2)
			n.Items = slices.Delete(n.Items, i+1, i+2)
			return
		}
	}
}

// forbid reports fields that a role has no use for. Silently ignoring them
// would let their author believe in a bound that nobody keeps.
func (r *Reader) forbid(o document.Object, role contract.Role, names ...string) {
	for _, name := range names {
		if o.Has(name) {
			r.Problem(o.LineOf(name), o.Path(name), "does not apply to a column with role: %s", role)
		}
	}
}

// keyColumn checks a column whose values only ever identify something.
func (r *Reader) keyColumn(role contract.Role, t plan.Type, o document.Object) {
	r.forbid(o, role, "domain", "bounds", "resolution")
	if t.Kind != plan.KindUnknown && !contract.Identifies(t) {
		r.Problem(o.LineOf("type"), o.Path("type"), "a %s column is an integer or a varchar, not a %s", role, t)
	}
}

func (r *Reader) dimension(col *contract.Column, o document.Object) {
	r.forbid(o, contract.RoleDimension, "bounds", "resolution")
	if col.Type.Kind == plan.KindDecimal || col.Type.Kind == plan.KindDouble {
		r.Problem(o.LineOf("type"), o.Path("type"), "a dimension is a boolean, an integer, a varchar, a date or a timestamp, not a %s", col.Type)
		return
	}
	n := o.At["domain"]
	if n == nil {
		// What is not declared is secret.
		col.Private = true
		return
	}
	if col.Type.Kind == plan.KindUnknown {
		return
	}
	col.Domain, col.Private = r.domain(n, o.Path("domain"), col.Type)
}
