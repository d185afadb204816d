// Package segment defines the file in which a tenant's rows rest: what is in
// it, where it lives, and how it becomes immutable.
//
// A segment is a DuckDB database file with two tables in its schema main.
//
//   - rows: _unit UBIGINT NOT NULL, then every declared column of the table
//     under its own name and type, in the contract's order, except columns that
//     hold unit ids: the unit column, and a foreign key that refers to one. Rows
//     lie in ascending order of _unit and, within a unit, of _row. The unit's own
//     id is never stored. Behind the declared columns stand ranks, USMALLINT NOT
//     NULL: _row, and for each ranked grouping its plan.KeyRank and plan.RowRank;
//     package rank defines them. They go on from those of the table's segments
//     that were there before; where one of these has none, this one has none
//     either. Behind the ranks stand codes, USMALLINT NOT NULL: for each dimension
//     of texts whose values are declared, its plan.CodeColumn. Rows of a public
//     table have no _unit and no ranks, and lie in any order; they have codes.
//   - meta(key, value): format_version, dataset, contract_version, tenant and
//     rows, in a dataset of several tables table and public, where there are
//     ranks, ranks, the groupings as a JSON list of lists of columns, and where
//     there are codes, codes, a JSON object of columns with plan.CodesOf what was
//     declared; as text.
//
// Codes came without a new format version: whoever does not know them reads the
// other columns as before, and which codes a file has is recorded with it, so that
// files from before there were any are read, and merged, as files without. A merge
// finds the codes of all its rows anew.
//
// Files of format version 1 have no ranks. Where a contract said max_rows, their
// rows lie in the order of a keyed hash within the unit, and else in any.
//
// A load worker writes the file in a directory of its own; [Publish] makes it
// durable and read-only and moves it to its final name. From then on nobody
// ever opens it for writing: DuckDB's lock does not protect a reader from a
// writer within one process, mode 0400 and this rule do.
package segment
