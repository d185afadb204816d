package contract

import "slices"

// A dataset of several tables protects the unit of one of them, and of every
// row that hangs on it by foreign keys. Whose a row is, is decided when it is
// loaded: it gets the pseudonym of the unit that its key leads to, one copy per
// unit when the key leads to several, and is rejected when it leads to none. So
// afterwards every stored row of a private table belongs to exactly one unit,
// in all tables alike, and no later load changes whose it is.
//
// A column that holds unit ids (the unit column, and a foreign key that refers
// to it) is never stored: its value is the row's pseudonym. What a statement
// wants to join on such columns, it joins on the pseudonym.

// Table returns the table of the given name. A dataset of one table has that
// one under the empty name.
func (c *Contract) Table(name string) (Table, bool) {
	if c.Tables == nil && name == "" {
		return Table{Columns: c.Columns}, true
	}
	i := slices.IndexFunc(c.Tables, func(t Table) bool { return t.Name == name })
	if i < 0 {
		return Table{}, false
	}
	return c.Tables[i], true
}

// TableColumn returns a column of a table.
func (c *Contract) TableColumn(table, column string) (Column, bool) {
	t, _ := c.Table(table)
	return t.Column(column)
}

// UnitTable returns the table that holds the unit column.
func (c *Contract) UnitTable() Table {
	t, _ := c.Table(c.Unit.Table)
	return t
}

// Path returns the foreign keys that lead from a table to its unit, the
// table's own first: none for the table that holds the unit, and for public
// and unknown ones.
func (c *Contract) Path(table string) []Via {
	var path []Via
	for range c.Tables { // contractparse accepts no cycles
		t, ok := c.Table(table)
		if !ok || t.Via == nil {
			return path
		}
		path = append(path, *t.Via)
		table = t.Via.Table
	}
	return path
}

// IdentifiesUnit reports whether a column holds unit ids: it is the unit
// column, or the foreign key of its table and refers to a column that does.
// Such a column may only be joined on and counted as the unit.
func (c *Contract) IdentifiesUnit(table, column string) bool {
	for range len(c.Tables) + 1 {
		if table == c.Unit.Table && column == c.Unit.Column {
			return true
		}
		t, ok := c.Table(table)
		if !ok || t.Via == nil || t.Via.Column != column {
			return false
		}
		table, column = t.Via.Table, t.Via.Key
	}
	return false
}

// Stored returns the columns that segments of a table hold, in the contract's
// order: all but those that hold unit ids. Private tables have the pseudonym
// beside them.
func (c *Contract) Stored(table string) []Column {
	t, _ := c.Table(table)
	var stored []Column
	for _, col := range t.Columns {
		if !c.IdentifiesUnit(table, col.Name) {
			stored = append(stored, col)
		}
	}
	return stored
}

// Column returns the column of the given name.
func (t Table) Column(name string) (Column, bool) { return columnOf(t.Columns, name) }

// String returns the foreign key as a contract writes it.
func (v Via) String() string { return v.Column + " -> " + v.Table + "." + v.Key }

// readsFrom is ReadsFrom for one table: rows were given to their units in the
// same way, and have every column.
func (t Table) readsFrom(old Table) bool {
	sameVia := t.Via == nil && old.Via == nil || t.Via != nil && old.Via != nil && *t.Via == *old.Via
	return t.Public == old.Public && sameVia && readsColumns(t.Columns, old.Columns)
}
