// Command bench measures the built program on this machine and prints what it
// found beside a baseline that is measured in the same run. make bench runs it.
//
//   - Queries, explanations and repeated queries through REST, one client, each
//     query distinct and so charged, with the fsyncs of charge and release. The
//     baseline of a query is the plain SQL in DuckDB, in memory and in process;
//     that of the others is the paid query itself.
//   - Loads through the job API, from the first byte of the upload to the
//     published generation, against DuckDB's own reading and sorting of the same
//     file into a database file.
//   - Charges by 64 clients on the ledger, and queries that pay for themselves by
//     64 clients through REST, at 1 and at 14 tenants. Their baseline is a bare
//     transaction that inserts one row into the same kind of database.
//   - Errors of released values against those of Google's dpagg, at equal cost to
//     the account, on the same rows within the same bounds.
//
// Figures depend on the disk: -dir names the directory to work in. They are
// printed, and written as JSON to the file that -o names.
package main
