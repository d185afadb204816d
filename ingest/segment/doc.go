// Package segment defines the file in which a tenant's rows rest: what is in
// it, where it lives, and how it becomes immutable.
//
// A segment is a DuckDB database file with two tables in its schema main.
//
//   - rows: _unit UBIGINT NOT NULL, then every declared column of the table
//     under its own name and type, in the contract's order, except columns that
//     hold unit ids: the unit column, and a foreign key that refers to one. Rows
//     lie in ascending order of _unit (and, where the contract says max_rows, of
//     a keyed hash of the row within the unit). The unit's own id is never
//     stored. Rows of a public table have no _unit and lie in any order.
//   - meta(key, value): format_version, dataset, contract_version, tenant and
//     rows, and in a dataset of several tables table and public, as text.
//
// A load worker writes the file in a directory of its own; [Publish] makes it
// durable and read-only and moves it to its final name. From then on nobody
// ever opens it for writing: DuckDB's lock does not protect a reader from a
// writer within one process, mode 0400 and this rule do.
package segment
