package contractparse

import (
	"slices"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/document"
)

// checkTable checks how a table's rows reach their unit: public ones have
// none, one private table holds the unit column, and each of the others has a
// foreign key that leads there.
func (t *tablesReader) checkTable(table *contract.Table) {
	o := t.at[table.Name]
	holds := slices.Contains(t.units, table.Name)
	switch {
	case table.Public && (holds || o.Has("unit")):
		t.Problem(o.Line, o.Field, "a public table has no unit: its rows are everybody's")
	case table.Public:
	case holds && o.Has("unit"):
		t.Problem(o.LineOf("unit"), o.Path("unit"), "the table holds the unit column itself")
	case holds:
	case !o.Has("unit"):
		if len(t.units) > 0 && o.Has("columns") {
			t.Problem(o.Line, o.Path("unit"), "is required: say how a row reaches its unit, e.g. unit: {via: \"fk -> table.key\"}, or public: true")
		}
	case table.Via != nil:
		t.checkVia(table)
	}
}

// checkVia checks both ends of a foreign key, and that the chain that begins
// with it ends at the unit.
func (t *tablesReader) checkVia(table *contract.Table) {
	u, v := t.via[table.Name], table.Via
	line, field := u.LineOf("via"), u.Path("via")
	parent, ok := t.c.Table(v.Table)
	switch {
	case !ok:
		t.Problem(line, field, "%q is not one of the tables", document.Shorten(v.Table))
		return
	case parent.Public:
		t.Problem(line, field, "%q is public and leads to no unit", v.Table)
		return
	}
	own, okOwn := table.Column(v.Column)
	key, okKey := parent.Column(v.Key)
	if !okOwn && len(table.Columns) > 0 {
		t.Problem(line, field, "%q is not one of the columns of %s", document.Shorten(v.Column), table.Name)
	}
	if !okKey && len(parent.Columns) > 0 {
		t.Problem(line, field, "%q is not one of the columns of %s", document.Shorten(v.Key), parent.Name)
	}
	if !okOwn || !okKey {
		return
	}
	switch {
	case own.Role == "" || key.Role == "": // reported where they are declared
	case own.Role == contract.RoleUnit: // likewise
	case own.Type != key.Type || !contract.Identifies(own.Type):
		t.Problem(line, field, "both columns must have the same type, an integer or varchar: %s is %s and %s.%s is %s",
			v.Column, own.Type, v.Table, v.Key, key.Type)
	case !t.reaches(table.Name):
		t.Problem(line, field, "leads round in a circle and never to the unit")
	}
}

// reaches reports whether a table's chain ends, at whatever table: where that
// one is no end, it has a problem of its own.
func (t *tablesReader) reaches(name string) bool {
	for range len(t.c.Tables) + 1 {
		table, ok := t.c.Table(name)
		if !ok || table.Via == nil {
			return true
		}
		name = table.Via.Table
	}
	return false
}

// hideUnitIDs sees that foreign keys with unit ids are used as keys only. One
// that was declared as a private dimension, as other foreign keys may be,
// becomes a key; other declarations promise something that no query may have.
func (t *tablesReader) hideUnitIDs() {
	for i := range t.c.Tables {
		table := &t.c.Tables[i]
		if table.Via == nil || !t.c.IdentifiesUnit(table.Name, table.Via.Column) {
			continue
		}
		j := slices.IndexFunc(table.Columns, func(col contract.Column) bool { return col.Name == table.Via.Column })
		if j < 0 {
			continue
		}
		switch col := &table.Columns[j]; {
		case col.Role == contract.RoleDimension && col.Private:
			*col = contract.Column{Name: col.Name, Type: col.Type, Role: contract.RoleKey}
		case col.Role == contract.RoleDimension || col.Role == contract.RoleMeasure:
			o := t.at[table.Name]
			t.Problem(o.LineOf("columns"), o.Path("columns")+"."+col.Name, "holds the unit's id: it needs role: key")
		}
	}
}
