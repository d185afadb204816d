package contract_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/analytics/contract/contracttest"
)

func TestTablesView(t *testing.T) {
	c := mustParse(t, contracttest.Shop)
	got, err := json.Marshal(c.JSON())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"dataset":"shop","version":1,"privacy_unit":{"column":"person.id","scope":"tenant"},` +
		`"contribution":{"max_partitions":4,"max_rows_per_partition":4},"tables":[` +
		`{"name":"city","public":true,"columns":[{"name":"c","type":"integer","role":"dimension","domain":[1,2,3]},{"name":"name","type":"varchar","role":"dimension","domain":"private"}]},` +
		`{"name":"item","via":"o_id -\u003e purchase.o","columns":[{"name":"o_id","type":"bigint","role":"dimension","domain":"private"},{"name":"price","type":"decimal(9,2)","role":"measure","bounds":[0,100],"resolution":0.01}]},` +
		`{"name":"purchase","via":"who -\u003e person.id","columns":[{"name":"o","type":"bigint","role":"key"},{"name":"who","type":"varchar","role":"key"}]},` +
		`{"name":"person","columns":[{"name":"id","type":"varchar","role":"unit"},{"name":"c","type":"integer","role":"dimension","domain":[1,2]}]},` +
		`{"name":"note","via":"by -\u003e purchase.who","columns":[{"name":"by","type":"varchar","role":"key"},{"name":"stars","type":"tinyint","role":"measure","bounds":[1,5],"resolution":1}]}],` +
		`"budget_defaults":{"epsilon_per_query":1,"delta_per_query":1e-9}}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestReadsFromWithTables(t *testing.T) {
	replace := func(old, new string) string {
		if !strings.Contains(contracttest.Shop, old) {
			t.Fatalf("%q is not in the sample", old)
		}
		return strings.Replace(contracttest.Shop, old, new, 1)
	}
	tests := []struct {
		name, new string
		want      bool
	}{
		{"the same", contracttest.Shop, true},
		{"other bounds", replace("[0, 100]", "[0, 50]"), true},
		{"a table less", replace(contracttest.Shop[strings.Index(contracttest.Shop, "  note:"):], ""), true},
		{"a table more", contracttest.Shop + "  shelf:\n    public: true\n    columns: {s: {type: integer, role: dimension}}\n", true},
		{"a column more", replace("name: {type", "size: {type: integer, role: dimension}, name: {type"), false},
		{"another type", replace("stars: {type: tinyint", "stars: {type: integer"), false},
		{"another way to the unit", replace("by -> purchase.who", "by -> person.id"), false},
		{"another scope", replace("scope: tenant", "scope: person"), false},
		{"one table", strings.Replace(contracttest.Around(""), "dataset: d", "dataset: shop", 1), false},
	}
	old := mustParse(t, contracttest.Shop)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := mustParse(t, tt.new).ReadsFrom(old); got != tt.want {
				t.Errorf("ReadsFrom = %t, want %t", got, tt.want)
			}
		})
	}
}
