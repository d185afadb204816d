package contract_test

import (
	"testing"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/contractparse"
	"github.com/noised/noised/privacy"
)

func mustParse(t testing.TB, doc string) *contract.Contract {
	t.Helper()
	c, err := contractparse.Parse([]byte(doc))
	if err != nil {
		t.Fatalf("%v\n%+v", err, privacy.AsError(err).Problems)
	}
	return c
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

// minimal is the least contract.
const minimal = "dataset: d\nversion: 1\nprivacy_unit: {column: a, scope: person}\ncontribution: {max_rows: 1}\ncolumns:\n  a: {type: bigint, role: unit}"

// shop is a small contract of several tables.
const shop = `dataset: shop
version: 1
privacy_unit: {column: person.id, scope: tenant}
contribution: {max_partitions: 4, max_rows_per_partition: 4}
tables:
  city:
    public: true
    columns: {c: {type: integer, role: dimension, domain: {range: [1, 3]}}, name: {type: varchar, role: dimension}}
  item:
    unit: {via: "o_id -> purchase.o"}
    columns: {o_id: {type: bigint, role: dimension}, price: {type: "decimal(9,2)", role: measure, bounds: [0, 100]}}
  purchase:
    unit: {via: "who->person.id"}
    columns: {o: {type: bigint, role: key}, who: {type: varchar, role: dimension}}
  person:
    columns: {id: {type: varchar, role: unit}, c: {type: integer, role: dimension, domain: {values: [1, 2]}}}
  note:
    unit: {via: "by -> purchase.who"}
    columns: {by: {type: varchar, role: key}, stars: {type: tinyint, role: measure, bounds: [1, 5]}}
`

const anyDay = "date, role: dimension"

// periods is a valid contract with a date dimension and the given budget_per.
func periods(domain, budgetPer string) string {
	return doc("\n  day: {type: "+domain+"}\n  x: {type: integer, role: measure, bounds: [0, 5]}\n  n: {type: bigint, role: dimension}") + "\nbudget_per: " + budgetPer
}
