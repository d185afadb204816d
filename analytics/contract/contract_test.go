package contract_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/analytics/contract/contracttest"
)

func TestView(t *testing.T) {
	c := mustParse(t, contracttest.Around(`
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
	base := contracttest.Around("\n  x: {type: integer, role: measure, bounds: [0, 5]}\n  y: {type: varchar, role: dimension}")
	tests := []struct {
		name     string
		old, new string
		want     bool
	}{
		{"the same columns", base, base, true},
		{"a column less", base, contracttest.Around("\n  x: {type: integer, role: measure, bounds: [0, 5]}"), true},
		{"other bounds, another role, another order", base, contracttest.Around("\n  y: {type: varchar, role: dimension, domain: {values: [a]}}\n  x: {type: integer, role: dimension}"), true},
		{"a column more", contracttest.Around(""), base, false},
		{"another type", base, contracttest.Around("\n  x: {type: bigint, role: measure, bounds: [0, 5]}"), false},
		{"another scope", contracttest.Around(""), scoped + "9" + rest, false},
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
	free := mustParse(t, contracttest.Around(""))
	bounded := *free
	bounded.MaxRowsOnly, bounded.Limits.MaxRows = true, 1
	if bounded.ReadsFrom(free) {
		t.Error("rows that were loaded without max_rows may not be read under it")
	}
	if !free.ReadsFrom(&bounded) {
		t.Error("rows that were loaded under max_rows may be read without it")
	}
}
