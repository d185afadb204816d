package contract

import (
	"regexp"
	"strings"

	"github.com/noised/noised/privacy"
)

// viaPattern is "l_orderkey -> orders.o_orderkey".
var viaPattern = regexp.MustCompile(`^([^\s.>]+)\s*->\s*([^\s.>]+)\.([^\s.>]+)$`)

// tablesReader reads the tables of a dataset of several. It keeps where things
// stand, because how tables refer to each other is checked after all of them
// have been read.
type tablesReader struct {
	*reader
	c     *Contract
	units []string          // tables with a unit column
	at    map[string]object // the tables' entries
	via   map[string]object // their "unit" entries
}

// tables reads {name: {public:, unit: {via:}, columns:}, …}.
func (r *reader) tables(c *Contract, o object) {
	for _, name := range []string{"columns", "bounding_index", "budget_per"} {
		if o.has(name) {
			r.problem(o.lineOf(name), name, "does not go together with tables")
		}
	}
	n := o.at["tables"]
	t := &tablesReader{reader: r, c: c, at: map[string]object{}, via: map[string]object{}}
	if n.kind != kindMapping || len(n.keys) == 0 {
		r.problem(n.line, "tables", "must have one entry for each table: name: {columns: {…}}")
	} else {
		for i, k := range n.keys {
			t.table(k, n.items[i])
		}
		if len(t.units) == 0 {
			r.problem(n.line, "tables", "no column of any table has role: unit, so nobody is protected")
		}
	}
	t.privacyUnit(o)
	for i := range c.Tables {
		t.checkTable(&c.Tables[i])
	}
	t.hideUnitIDs()
}

func (t *tablesReader) table(k key, n *node) {
	field := "tables." + shorten(k.name)
	if first, twice := t.at[k.name]; twice {
		t.problem(k.line, field, "declared twice, first on line %d", first.line)
		return
	}
	if err := privacy.CheckName("table", k.name); err != nil {
		t.problem(k.line, field, "%s", privacy.AsError(err).Message)
	}
	o, ok := t.object(n, field, "public", "unit", "columns")
	o.line = k.line
	t.at[k.name] = o
	table := Table{Name: k.name}
	if ok {
		table.Public = t.public(o)
		if o.has("unit") {
			table.Via = t.readVia(k.name, o)
		}
		if columns, ok := o.need("columns"); ok {
			unit := ""
			table.Columns, _ = t.declared(columns, o.path("columns"), &unit)
			t.noteUnit(k.name, unit, columns, o)
		}
	}
	t.c.Tables = append(t.c.Tables, table)
}

// noteUnit remembers a table's unit column, of which the dataset has one.
func (t *tablesReader) noteUnit(table, unit string, columns *node, o object) {
	if unit == "" {
		return
	}
	if len(t.units) > 0 {
		t.problem(columns.lineOf(unit), o.path("columns")+"."+unit,
			"a second unit column, after the one of %q: a dataset protects one unit, and other tables reach it by unit: {via: …}", t.units[0])
	}
	t.units = append(t.units, table)
}

func (t *tablesReader) public(o object) bool {
	n := o.at["public"]
	if n == nil {
		return false
	}
	if !n.isBool() {
		t.problem(n.line, o.path("public"), "must be true or false")
	}
	return strings.EqualFold(n.text, "true")
}

func (t *tablesReader) readVia(table string, o object) *Via {
	u, ok := t.object(o.at["unit"], o.path("unit"), "via")
	if !ok {
		return nil
	}
	text, ok := u.text("via")
	if !ok {
		return nil
	}
	m := viaPattern.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		t.problem(u.lineOf("via"), u.path("via"), "must be of the form \"column -> table.column\", not %q", shorten(text))
		return nil
	}
	t.via[table] = u
	return &Via{Column: m[1], Table: m[2], Key: m[3]}
}

// privacyUnit reads privacy_unit, whose column is written table.column.
func (t *tablesReader) privacyUnit(o object) {
	name, u, ok := t.unitName(t.c, o)
	if !ok {
		return
	}
	line, field := u.lineOf("column"), "privacy_unit.column"
	table, column, ok := strings.Cut(name, ".")
	if !ok {
		t.problem(line, field, "must be of the form table.column, not %q", shorten(name))
		return
	}
	t.c.Unit.Table, t.c.Unit.Column = table, column
	if _, ok := t.c.Table(table); !ok {
		t.problem(line, field, "%q is not one of the tables", shorten(table))
	} else if col, ok := t.c.TableColumn(table, column); ok {
		t.needUnitRole(u, name, col)
	} else if t.at[table].has("columns") {
		t.problem(line, field, "%q is not one of the columns of %s", shorten(column), table)
	}
}
