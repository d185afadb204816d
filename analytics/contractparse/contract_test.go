package contractparse

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/decimal"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

func sample(t testing.TB) []byte {
	t.Helper()
	doc, err := os.ReadFile("../contract/testdata/insteval.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func mustParse(t testing.TB, doc string) *contract.Contract {
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
	want := &contract.Contract{
		Dataset:         "insteval",
		Version:         1,
		Description:     "Lecture evaluations, one row per rating",
		Unit:            contract.Unit{Column: "student", Scope: plan.ScopePerson},
		TenantDimension: true,
		Limits:          privacy.Bounds{MaxPartitions: 14, MaxRowsPerPartition: 12},
		BoundingIndex:   [][]string{{"service"}, {"studage", "lectage"}},
		Columns: []contract.Column{
			{Name: "student", Type: bigint, Role: contract.RoleUnit},
			{Name: "lecturer", Type: bigint, Role: contract.RoleDimension, Private: true},
			{Name: "service", Type: varchar, Role: contract.RoleDimension, Domain: texts("0", "1")},
			{Name: "studage", Type: varchar, Role: contract.RoleDimension, Domain: texts("2", "4", "6", "8")},
			{Name: "lectage", Type: varchar, Role: contract.RoleDimension, Domain: texts("1", "2", "3", "4", "5", "6")},
			{
				Name: "rating", Type: plan.Of(plan.KindTinyint), Role: contract.RoleMeasure,
				Bounds: [2]float64{1, 5}, BoundsText: [2]string{"1", "5"}, Resolution: decimal.Resolution{Mantissa: 1},
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
	if price.Resolution != (decimal.Resolution{Mantissa: 1, Scale: 2}) {
		t.Errorf("the resolution of a decimal(10,2) is %v, want its last digit", price.Resolution)
	}
	if note, _ := c.Column("note"); !note.Private || note.Domain != nil {
		t.Error("a dimension that declares no domain must be private")
	}
}
