package contractparse

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/contract/contracttest"
	"github.com/noised/noised/analytics/plan"
)

func TestTables(t *testing.T) {
	c := mustParse(t, contracttest.Shop)
	if c.Columns != nil || c.Unit != (contract.Unit{Table: "person", Column: "id", Scope: plan.ScopeTenant}) {
		t.Errorf("columns %v, unit %+v", c.Columns, c.Unit)
	}
	if got := c.UnitColumn(); got.Name != "id" || got.Type != plan.Of(plan.KindVarchar) || c.UnitTable().Name != "person" {
		t.Errorf("unit column %+v in %s", got, c.UnitTable().Name)
	}
	var names []string
	for _, table := range c.Tables {
		names = append(names, table.Name)
	}
	if diff := cmp.Diff([]string{"city", "item", "purchase", "person", "note"}, names); diff != "" {
		t.Error(diff)
	}
	wantPath := []contract.Via{{Column: "o_id", Table: "purchase", Key: "o"}, {Column: "who", Table: "person", Key: "id"}}
	if diff := cmp.Diff(wantPath, c.Path("item")); diff != "" {
		t.Error(diff)
	}
	for _, table := range []string{"city", "person", "nothing"} {
		if path := c.Path(table); path != nil {
			t.Errorf("path of %s: %v", table, path)
		}
	}
	if _, ok := c.Table(""); ok {
		t.Error("there is a table without a name")
	}
	if col, ok := c.TableColumn("city", "c"); !ok || len(col.Domain) != 3 {
		t.Errorf("city.c: %+v", col)
	}
	if col, ok := c.TableColumn("city", "stars"); ok {
		t.Errorf("city.stars: %+v", col)
	}
}

// A column with unit ids is never stored and never a dimension, however many
// foreign keys stand between it and the unit column.
func TestForeignKeysToTheUnitAreUnitIDs(t *testing.T) {
	c := mustParse(t, contracttest.Shop)
	ids := map[string]bool{"person.id": true, "purchase.who": true, "note.by": true}
	stored := map[string]string{"city": "c name", "item": "o_id price", "purchase": "o", "person": "c", "note": "stars"}
	for _, table := range c.Tables {
		for _, col := range table.Columns {
			name := table.Name + "." + col.Name
			if got := c.IdentifiesUnit(table.Name, col.Name); got != ids[name] {
				t.Errorf("%s identifies the unit: %t", name, got)
			}
			if ids[name] && (col.Role == contract.RoleDimension || col.Private) {
				t.Errorf("%s can be used as %s", name, col.Role)
			}
		}
		var names []string
		for _, col := range c.Stored(table.Name) {
			names = append(names, col.Name)
		}
		if got := strings.Join(names, " "); got != stored[table.Name] {
			t.Errorf("%s stores %q, want %q", table.Name, got, stored[table.Name])
		}
	}
}

func TestOneTableHasNoName(t *testing.T) {
	c := mustParse(t, contracttest.Around("\n  x: {type: integer, role: dimension}"))
	table, ok := c.Table("")
	if !ok || table.Via != nil || table.Public || len(table.Columns) != 2 || c.UnitTable().Columns[0].Name != "id" {
		t.Errorf("%+v", table)
	}
	if stored := c.Stored(""); len(stored) != 1 || stored[0].Name != "x" {
		t.Errorf("stored %+v", stored)
	}
	if _, ok := c.Table("d"); ok || !c.IdentifiesUnit("", "id") || c.Path("") != nil {
		t.Error("a dataset of one table has another one")
	}
}

func TestTPCHContract(t *testing.T) {
	text, err := os.ReadFile("../../testdata/tpch.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c := mustParse(t, string(text))
	checkAccepted(t, c)
	if len(c.Tables) != 6 || len(c.Path("lineitem")) != 2 || !c.IdentifiesUnit("orders", "o_custkey") {
		t.Errorf("%+v", c.Tables)
	}
}

func TestTablesProblems(t *testing.T) {
	tests := []struct {
		name, old, new string
		want           []string
	}{
		{"a column and no table", "column: person.id", "column: id", []string{"3 privacy_unit.column: must be of the form table.column"}},
		{"unit in no table", "column: person.id", "column: people.id", []string{`3 privacy_unit.column: "people" is not one of the tables`}},
		{"unit in no column", "column: person.id", "column: person.who", []string{`3 privacy_unit.column: "who" is not one of the columns of person`}},
		{"not the unit", "column: person.id", "column: person.c", []string{`3 privacy_unit.column: "person.c" has the role dimension`}},
		{"columns too", "tables:", "columns: {a: {type: bigint, role: unit}}\ntables:", []string{"5 columns: does not go together with tables"}},
		{"an index", "tables:", "bounding_index: [[c]]\ntables:", []string{"5 bounding_index: does not go together with tables"}},
		{"a budget per period", "tables:", "budget_per: {column: purchase.day, every: month}\ntables:", []string{"5 budget_per: does not go together with tables"}},
		{"a public unit table", "  person:\n", "  person:\n    public: true\n", []string{"15 tables.person: a public table has no unit", `13 tables.purchase.unit.via: "person" is public`}},
		{"a public table with a key", "    public: true", "    public: true\n    unit: {via: \"c -> person.c\"}", []string{"6 tables.city: a public table has no unit"}},
		{"public as text", "public: true", "public: \"true\"", []string{"7 tables.city.public: must be true or false"}},
		{"a private table without a key", "public: true", "public: false", []string{"6 tables.city.unit: is required"}},
		{"a key of the unit table", "  person:\n", "  person:\n    unit: {via: \"c -> city.c\"}\n", []string{"16 tables.person.unit: the table holds the unit column itself"}},
		{"two unit columns", "stars: {type: tinyint, role: measure, bounds: [1, 5]}", "me: {type: varchar, role: unit}", []string{
			`19 tables.note.columns.me: a second unit column, after the one of "person"`, "18 tables.note.unit: the table holds the unit column itself",
		}},
		{"two unit columns in a table", "stars: {type: tinyint, role: measure, bounds: [1, 5]}", "a: {type: varchar, role: unit}, b: {type: varchar, role: unit}", []string{
			`19 tables.note.columns.b: a second unit column, after "a"`, `19 tables.note.columns.a: a second unit column`, "18 tables.note.unit: the table holds",
		}},
		{"no unit", "role: unit", "role: key", []string{"6 tables: no column of any table has role: unit", `3 privacy_unit.column: "person.id" has the role key`}},
		{"a table twice", "  note:\n", "  item:\n", []string{"17 tables.item: declared twice, first on line 9"}},
		{"a name", "  note:\n", "  Note:\n", []string{`17 tables.Note: table name "Note" is not valid`}},
		{"an unknown field", "public: true", "public: true\n    private: false", []string{"8 tables.city.private: unknown field; known here are public, unit, columns"}},
		{"a bare table", "  note:\n    unit: {via: \"by -> purchase.who\"}\n    columns: {by: {type: varchar, role: key}, stars: {type: tinyint, role: measure, bounds: [1, 5]}}", "  note: {}", []string{"17 tables.note.columns: is required"}},
		{"a list", contracttest.Shop[strings.Index(contracttest.Shop, "  city:"):], "  - city\n", []string{"6 tables: must have one entry", `3 privacy_unit.column: "person" is not one`}},
		{"no arrow", "o_id -> purchase.o", "o_id = purchase.o", []string{"10 tables.item.unit.via: must be of the form"}},
		{"no table after it", "o_id -> purchase.o", "o_id -> purchase", []string{"10 tables.item.unit.via: must be of the form"}},
		{"via as a list", `{via: "o_id -> purchase.o"}`, "[a]", []string{"10 tables.item.unit: must have the fields via"}},
		{"no via", `{via: "o_id -> purchase.o"}`, "{}", []string{"10 tables.item.unit"}},
		{"an unknown parent", "purchase.o\"", "purchases.o\"", []string{`10 tables.item.unit.via: "purchases" is not one of the tables`}},
		{"an unknown key", "purchase.o\"", "purchase.x\"", []string{`10 tables.item.unit.via: "x" is not one of the columns of purchase`}},
		{"an unknown foreign key", "o_id ->", "x ->", []string{`10 tables.item.unit.via: "x" is not one of the columns of item`}},
		{"a public parent", "purchase.o\"", "city.c\"", []string{`10 tables.item.unit.via: "city" is public`}},
		{"other types", "o_id: {type: bigint", "o_id: {type: integer", []string{"10 tables.item.unit.via: both columns must have the same type"}},
		{"types that do not identify", "by -> purchase.who", "stars -> item.price", []string{"18 tables.note.unit.via: both columns must have the same type"}},
		{"a circle", "who->person.id", "o -> item.o_id", []string{"10 tables.item.unit.via: leads round in a circle", "13 tables.purchase.unit.via: leads round", "18 tables.note.unit.via: leads round"}},
		{"a table on itself", "o_id -> purchase.o", "o_id -> item.o_id", []string{"10 tables.item.unit.via: leads round in a circle"}},
		{"a unit id with a public domain", "who: {type: varchar, role: dimension}", "who: {type: varchar, role: dimension, domain: {values: [ann]}}", []string{
			"14 tables.purchase.columns.who: holds the unit's id: it needs role: key",
		}},
		{"a double as a key", "o: {type: bigint, role: key}", "o: {type: double, role: key}", []string{
			"14 tables.purchase.columns.o.type: a key column is an integer or a varchar", "10 tables.item.unit.via: both columns",
		}},
		{"a key with bounds", "o: {type: bigint, role: key}", "o: {type: bigint, role: key, bounds: [0, 1]}", []string{"14 tables.purchase.columns.o.bounds: does not apply"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if !strings.Contains(contracttest.Shop, tt.old) {
				t.Fatalf("%q is not in the sample", tt.old)
			}
			expectProblems(t, strings.Replace(contracttest.Shop, tt.old, tt.new, 1), tt.want)
		})
	}
}

// The limit on columns is the dataset's, so that many tables cannot multiply it.
func TestTablesShareTheLimits(t *testing.T) {
	var b strings.Builder
	b.WriteString("\n  wide:\n    public: true\n    columns:\n")
	for i := range contract.MaxColumns - 5 {
		b.WriteString("      x" + strings.Repeat("x", i%60) + strings.Repeat("y", i/60) + ": {type: integer, role: dimension}\n")
	}
	got := problemsOf(t, contracttest.Shop+b.String())
	if len(got) != 1 || !strings.Contains(got[0], "tables.wide.columns: must declare between 1 and 500 columns") {
		t.Errorf("%q", got)
	}
}
