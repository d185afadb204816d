// Package contracttest has the texts of valid contracts that tests of contracts, and of
// reading them, begin with and edit.
package contracttest

// Minimal is the least contract.
const Minimal = "dataset: d\nversion: 1\nprivacy_unit: {column: a, scope: person}\ncontribution: {max_rows: 1}\ncolumns:\n  a: {type: bigint, role: unit}"

// Around is a contract around the given columns, from its line 7 on.
func Around(columns string) string {
	return `dataset: d
version: 1
privacy_unit: {column: id, scope: person}
contribution: {max_partitions: 1, max_rows_per_partition: 1}
columns:
  id: {type: bigint, role: unit}` + columns
}

// AnyDay is a date dimension whose days are not declared.
const AnyDay = "date, role: dimension"

// Periods is a contract with a date dimension and the given budget_per.
func Periods(domain, budgetPer string) string {
	return Around("\n  day: {type: "+domain+"}\n  x: {type: integer, role: measure, bounds: [0, 5]}\n  n: {type: bigint, role: dimension}") + "\nbudget_per: " + budgetPer
}

// Shop is a small contract of several tables. Tests name its lines.
const Shop = `dataset: shop
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
