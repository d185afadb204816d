package contractparse

import (
	"regexp"
	"strings"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/document"
	"github.com/noised/noised/privacy"
)

// viaPattern is "l_orderkey -> orders.o_orderkey".
var viaPattern = regexp.MustCompile(`^([^\s.>]+)\s*->\s*([^\s.>]+)\.([^\s.>]+)$`)

// tablesReader reads the tables of a dataset of several. It keeps where things
// stand, because how tables refer to each other is checked after all of them
// have been read.
type tablesReader struct {
	*reader
	c     *contract.Contract
	units []string                   // tables with a unit column
	at    map[string]document.Object // the tables' entries
	via   map[string]document.Object // their "unit" entries
}

// tables reads {name: {public:, unit: {via:}, columns:}, …}.
func (r *reader) tables(c *contract.Contract, o document.Object) {
	for _, name := range []string{"columns", "bounding_index", "budget_per"} {
		if o.Has(name) {
			r.Problem(o.LineOf(name), name, "does not go together with tables")
		}
	}
	n := o.At["tables"]
	t := &tablesReader{reader: r, c: c, at: map[string]document.Object{}, via: map[string]document.Object{}}
	if n.Kind != document.Mapping || len(n.Keys) == 0 {
		r.Problem(n.Line, "tables", "must have one entry for each table: name: {columns: {…}}")
	} else {
		for i, k := range n.Keys {
			t.table(k, n.Items[i])
		}
		if len(t.units) == 0 {
			r.Problem(n.Line, "tables", "no column of any table has role: unit, so nobody is protected")
		}
	}
	t.privacyUnit(o)
	for i := range c.Tables {
		t.checkTable(&c.Tables[i])
	}
	t.hideUnitIDs()
}

func (t *tablesReader) table(k document.Key, n *document.Node) {
	field := "tables." + document.Shorten(k.Name)
	if first, twice := t.at[k.Name]; twice {
		t.Problem(k.Line, field, "declared twice, first on line %d", first.Line)
		return
	}
	if err := privacy.CheckName("table", k.Name); err != nil {
		t.Problem(k.Line, field, "%s", privacy.AsError(err).Message)
	}
	o, ok := t.Object(n, field, "public", "unit", "columns")
	o.Line = k.Line
	t.at[k.Name] = o
	table := contract.Table{Name: k.Name}
	if ok {
		table.Public = t.public(o)
		if o.Has("unit") {
			table.Via = t.readVia(k.Name, o)
		}
		if columns, ok := o.Need("columns"); ok {
			unit := ""
			table.Columns, _ = t.Declared(columns, o.Path("columns"), &unit)
			t.noteUnit(k.Name, unit, columns, o)
		}
	}
	t.c.Tables = append(t.c.Tables, table)
}

// noteUnit remembers a table's unit column, of which the dataset has one.
func (t *tablesReader) noteUnit(table, unit string, columns *document.Node, o document.Object) {
	if unit == "" {
		return
	}
	if len(t.units) > 0 {
		t.Problem(columns.LineOf(unit), o.Path("columns")+"."+unit,
			"a second unit column, after the one of %q: a dataset protects one unit, and other tables reach it by unit: {via: …}", t.units[0])
	}
	t.units = append(t.units, table)
}

func (t *tablesReader) public(o document.Object) bool {
	n := o.At["public"]
	if n == nil {
		return false
	}
	if !n.IsBool() {
		t.Problem(n.Line, o.Path("public"), "must be true or false")
	}
	return strings.EqualFold(n.Text, "true")
}

func (t *tablesReader) readVia(table string, o document.Object) *contract.Via {
	u, ok := t.Object(o.At["unit"], o.Path("unit"), "via")
	if !ok {
		return nil
	}
	text, ok := u.Text("via")
	if !ok {
		return nil
	}
	m := viaPattern.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		t.Problem(u.LineOf("via"), u.Path("via"), "must be of the form \"column -> table.column\", not %q", document.Shorten(text))
		return nil
	}
	t.via[table] = u
	return &contract.Via{Column: m[1], Table: m[2], Key: m[3]}
}

// privacyUnit reads privacy_unit, whose column is written table.column.
func (t *tablesReader) privacyUnit(o document.Object) {
	name, u, ok := t.unitName(t.c, o)
	if !ok {
		return
	}
	line, field := u.LineOf("column"), "privacy_unit.column"
	table, column, ok := strings.Cut(name, ".")
	if !ok {
		t.Problem(line, field, "must be of the form table.column, not %q", document.Shorten(name))
		return
	}
	t.c.Unit.Table, t.c.Unit.Column = table, column
	if _, ok := t.c.Table(table); !ok {
		t.Problem(line, field, "%q is not one of the tables", document.Shorten(table))
	} else if col, ok := t.c.TableColumn(table, column); ok {
		t.needUnitRole(u, name, col)
	} else if t.at[table].Has("columns") {
		t.Problem(line, field, "%q is not one of the columns of %s", document.Shorten(column), table)
	}
}
