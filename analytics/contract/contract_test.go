package contract

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

func sample(t testing.TB) []byte {
	t.Helper()
	doc, err := os.ReadFile("testdata/insteval.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func mustParse(t testing.TB, doc string) *Contract {
	t.Helper()
	c, err := Parse([]byte(doc))
	if err != nil {
		t.Fatalf("%v\n%+v", err, privacy.AsError(err).Problems)
	}
	return c
}

func texts(values ...string) []plan.Value {
	var out []plan.Value
	for _, v := range values {
		out = append(out, plan.StringValue(v))
	}
	return out
}

func TestSampleContract(t *testing.T) {
	got := mustParse(t, string(sample(t)))
	bigint, varchar := plan.Of(plan.KindBigint), plan.Of(plan.KindVarchar)
	want := &Contract{
		Dataset:         "insteval",
		Version:         1,
		Description:     "Lecture evaluations, one row per rating",
		Unit:            Unit{Column: "student", Scope: plan.ScopePerson},
		TenantDimension: true,
		Limits:          privacy.Bounds{MaxPartitions: 14, MaxRowsPerPartition: 12},
		BoundingIndex:   [][]string{{"service"}, {"studage", "lectage"}},
		Columns: []Column{
			{Name: "student", Type: bigint, Role: RoleUnit},
			{Name: "lecturer", Type: bigint, Role: RoleDimension, Private: true},
			{Name: "service", Type: varchar, Role: RoleDimension, Domain: texts("0", "1")},
			{Name: "studage", Type: varchar, Role: RoleDimension, Domain: texts("2", "4", "6", "8")},
			{Name: "lectage", Type: varchar, Role: RoleDimension, Domain: texts("1", "2", "3", "4", "5", "6")},
			{
				Name: "rating", Type: plan.Of(plan.KindTinyint), Role: RoleMeasure,
				Bounds: [2]float64{1, 5}, BoundsText: [2]string{"1", "5"}, Resolution: Resolution{Mantissa: 1},
			},
		},
		Defaults: privacy.Loss{Epsilon: 0.5, Delta: 1e-9},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestJSONIsYAML(t *testing.T) {
	c := mustParse(t, `{
	"dataset": "sales", "version": 3, "privacy_unit": {"column": "id", "scope": "tenant"},
	"contribution": {"max_rows": 4},
	"columns": {
		"id": {"type": "varchar", "role": "unit"},
		"price": {"type": "decimal(10,2)", "role": "measure", "bounds": [0, 99.99]},
		"shop": {"type": "varchar", "role": "dimension", "domain": {"values": ["Zürich \ud83d\ude00", "a\/b"]}},
		"note": {"type": "varchar", "role": "dimension"}
	}
}`)
	if want := (privacy.Bounds{MaxPartitions: 4, MaxRowsPerPartition: 4, MaxRows: 4}); c.Limits != want || !c.MaxRowsOnly {
		t.Errorf("max_rows: 4 gives %+v, enforced at load: %t", c.Limits, c.MaxRowsOnly)
	}
	if c.TenantDimension || c.Defaults != (privacy.Loss{Epsilon: 1, Delta: 1e-9}) {
		t.Errorf("defaults: tenant dimension %t, loss %+v", c.TenantDimension, c.Defaults)
	}
	shop, _ := c.Column("shop")
	if diff := cmp.Diff(texts("Zürich 😀", "a/b"), shop.Domain); diff != "" {
		t.Error(diff)
	}
	price, _ := c.Column("price")
	if price.Resolution != (Resolution{Mantissa: 1, Scale: 2}) {
		t.Errorf("the resolution of a decimal(10,2) is %v, want its last digit", price.Resolution)
	}
	if note, _ := c.Column("note"); !note.Private || note.Domain != nil {
		t.Error("a dimension that declares no domain must be private")
	}
}

func TestView(t *testing.T) {
	c := mustParse(t, doc(`
  n: {type: bigint, role: dimension, domain: {range: [1, 3]}}
  b: {type: boolean, role: dimension, domain: {values: [true, false]}}
  d: {type: date, role: dimension, domain: {values: [2024-02-29]}}
  p: {type: varchar, role: dimension, domain: private}
  x: {type: double, role: measure, bounds: [+0.50, 1e2], resolution: 1e-3}
budget_per: {column: d, every: month}`))
	got, err := json.Marshal(c.JSON())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"dataset":"d","version":1,"privacy_unit":{"column":"id","scope":"person"},` +
		`"contribution":{"max_partitions":1,"max_rows_per_partition":1},"columns":[{"name":"id","type":"bigint","role":"unit"},` +
		`{"name":"n","type":"bigint","role":"dimension","domain":[1,2,3]},` +
		`{"name":"b","type":"boolean","role":"dimension","domain":[true,false]},` +
		`{"name":"d","type":"date","role":"dimension","domain":["2024-02-29"]},` +
		`{"name":"p","type":"varchar","role":"dimension","domain":"private"},` +
		`{"name":"x","type":"double","role":"measure","bounds":[0.5,100],"resolution":0.001}],` +
		`"budget_per":{"column":"d","every":"month","from":"2024-02-01","to":"2024-02-29"},` +
		`"budget_defaults":{"epsilon_per_query":1,"delta_per_query":1e-9}}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

// doc is a valid contract around the given columns.
func doc(columns string) string {
	return `dataset: d
version: 1
privacy_unit: {column: id, scope: person}
contribution: {max_partitions: 1, max_rows_per_partition: 1}
columns:
  id: {type: bigint, role: unit}` + columns
}

func TestReadsFrom(t *testing.T) {
	const (
		scoped = `dataset: d
version: 1
privacy_unit: {column: id, scope: tenant}
contribution: {max_rows: `
		rest = `}
columns:
  id: {type: bigint, role: unit}
`
	)
	base := doc("\n  x: {type: integer, role: measure, bounds: [0, 5]}\n  y: {type: varchar, role: dimension}")
	tests := []struct {
		name     string
		old, new string
		want     bool
	}{
		{"the same columns", base, base, true},
		{"a column less", base, doc("\n  x: {type: integer, role: measure, bounds: [0, 5]}"), true},
		{"other bounds, another role, another order", base, doc("\n  y: {type: varchar, role: dimension, domain: {values: [a]}}\n  x: {type: integer, role: dimension}"), true},
		{"a column more", doc(""), base, false},
		{"another type", base, doc("\n  x: {type: bigint, role: measure, bounds: [0, 5]}"), false},
		{"another scope", doc(""), scoped + "9" + rest, false},
		{"max_rows kept", scoped + "3" + rest, scoped + "3" + rest, true},
		{"max_rows relaxed", scoped + "3" + rest, scoped + "4" + rest, true},
		{"max_rows tightened", scoped + "3" + rest, scoped + "2" + rest, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := mustParse(t, tt.new).ReadsFrom(mustParse(t, tt.old)); got != tt.want {
				t.Errorf("ReadsFrom = %t, want %t", got, tt.want)
			}
		})
	}
}

// A bound that loads did not enforce cannot be relied on later, while data
// that was bounded more may be read under bounds of a query.
func TestReadsFromAcrossKindsOfBounds(t *testing.T) {
	free := mustParse(t, doc(""))
	bounded := *free
	bounded.MaxRowsOnly, bounded.Limits.MaxRows = true, 1
	if bounded.ReadsFrom(free) {
		t.Error("rows that were loaded without max_rows may not be read under it")
	}
	if !free.ReadsFrom(&bounded) {
		t.Error("rows that were loaded under max_rows may be read without it")
	}
}
