package catalog

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/analytics/contractparse"
	"github.com/noised/noised/privacy"
)

const (
	visitsOfTwoTables = `dataset: visits
version: 1
privacy_unit: {column: person.id, scope: tenant}
contribution: {max_rows: 3}
tables:
  city: {public: true, columns: {c: {type: integer, role: dimension}}}
  person: {columns: {id: {type: bigint, role: unit}, c: {type: integer, role: dimension}}}
  visit:
    unit: {via: "who -> person.id"}
    columns: {who: {type: bigint, role: key}}
`
	widerCity = `dataset: visits
version: 2
privacy_unit: {column: person.id, scope: tenant}
contribution: {max_rows: 3}
tables:
  city: {public: true, columns: {c: {type: bigint, role: dimension}}}
  person: {columns: {id: {type: bigint, role: unit}}}
`
)

func (f *fixture) apply(doc string) {
	f.t.Helper()
	c, err := contractparse.Parse([]byte(doc))
	f.ok(err)
	f.ok(f.PutDataset(f.t.Context(), c, []byte(doc), admin))
}

// tables is a generation with one segment of each given table.
func tables(id, tenant string, version int, names ...string) Generation {
	g := Generation{ID: id, Dataset: "visits", Tenant: tenant, Version: version, FormatVersion: 1, Load: "load_" + id, At: noon}
	for _, name := range names {
		seg := "seg_" + id + "_" + name
		g.Segments = append(g.Segments, Segment{ID: seg, Table: name, Path: seg + ".duckdb", Rows: 1, Bytes: 1, SHA256: "abc"})
	}
	return g
}

func TestSegmentsKnowTheirTable(t *testing.T) {
	f, ctx := open(t), t.Context()
	f.tenants("a")
	f.apply(visitsOfTwoTables)
	f.accept(1, "a")
	private, public := tables("gen_1", "a", 1, "person", "visit"), tables("gen_2", Public, 1, "city")
	f.ok(f.publish(private, ""))
	f.ok(f.publish(public, ""))
	got, err := f.other().Current(ctx, "visits", []string{"a", Public})
	f.ok(err)
	if diff := cmp.Diff(map[string]Generation{"a": private, Public: public}, got); diff != "" {
		t.Error(diff)
	}
	if of := private.Of("visit"); len(of) != 1 || of[0].ID != "seg_gen_1_visit" || private.Of("") != nil {
		t.Errorf("segments of a table: %+v", of)
	}
}

// Rows that are read without a unit must never have been some unit's, and no
// generation keeps rows that its own version does not describe.
func TestPublicAndPrivateTablesStayApart(t *testing.T) {
	tests := []struct {
		name string
		g    Generation
		code privacy.Code
	}{
		{"a tenant's tables", tables("gen_1", "a", 1, "person", "visit"), ""},
		{"public tables", tables("gen_1", Public, 1, "city"), ""},
		{"nothing yet", tables("gen_1", Public, 1), ""},
		{"a public table of a tenant", tables("gen_1", "a", 1, "person", "city"), privacy.CodeConflict},
		{"a private table of the operator", tables("gen_1", Public, 1, "visit"), privacy.CodeConflict},
		{"a table that is not declared", tables("gen_1", "a", 1, "shop"), privacy.CodeConflict},
		{"no table", tables("gen_1", "a", 1, ""), privacy.CodeConflict},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := open(t)
			f.tenants("a")
			f.apply(visitsOfTwoTables)
			f.accept(1, "a")
			if err := f.publish(tt.g, ""); privacy.CodeOf(err) != tt.code {
				t.Errorf("error = %v, want %q", err, tt.code)
			}
		})
	}
}

func TestADatasetOfOneTableHasNothingPublic(t *testing.T) {
	f := open(t)
	f.put(1, "")
	f.fails(f.publish(generation("gen_1", Public, 1), ""), privacy.CodeConflict)
}

// Public tables need no member, and follow the version in force.
func TestPublicTablesFollowTheVersionInForce(t *testing.T) {
	f, ctx := open(t), t.Context()
	f.apply(visitsOfTwoTables)
	f.ok(f.publish(tables("gen_1", Public, 1, "city"), ""))
	f.apply(widerCity)
	current, err := f.Current(ctx, "visits", []string{Public})
	f.ok(err)
	if len(current) != 0 {
		t.Errorf("rows of another type are current: %+v", current)
	}
	f.fails(f.publish(tables("gen_2", Public, 1, "city"), "gen_1"), privacy.CodeConflict)
	f.ok(f.publish(tables("gen_3", Public, 2, "city"), ""))
	if got, ok, err := f.Head(ctx, "visits", Public); err != nil || !ok || got.ID != "gen_3" {
		t.Errorf("%+v, %t, %v", got, ok, err)
	}
}
