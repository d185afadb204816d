// Command bench measures the built program on this machine beside a baseline that
// is measured in the same run. make bench runs it, and docs/performance.md says
// what the figures are and how they grow.
//
// Its parts, of which -only chooses:
//
//   - loads: through the job API, from the first byte of the upload to the
//     published generation, against DuckDB's own reading and sorting of the same
//     file into a database file; with the memory of the largest process.
//   - latencies: queries, explanations and repeated queries of the sample through
//     REST, one client, each query distinct and so charged, with the fsyncs of
//     charge and release. The baseline of a query is the plain SQL in DuckDB, in
//     memory and in process; that of the others is the paid query itself.
//   - charges: by 64 clients on the ledger, against bare transactions that write
//     the same rows in equal batches, and queries that pay for themselves by 64
//     clients through REST, against transactions that insert one row.
//   - accuracy: errors of released values against those of Google's dpagg, at
//     equal cost to the account, on the same rows within the same bounds.
//   - bounded: questions about 20 million rows that the program loaded, against
//     the plain SQL in DuckDB on the same segment file.
//   - tenants: the same rows spread over tenants.
//   - tpch: TPC-H's queries against DuckDB's answers.
//   - scaling: how the ratio grows with rows, units, groups, tenants and clients.
//
// A question is asked of the product's own packages in this process (parsed,
// planned, charged, run, noised and stored), and through the server and REST
// beside. Sides of a ratio take turns; the ratio is that of their medians.
//
// Figures depend on the disk: -dir names the directory to work in and -cache
// that of the generated and loaded data, which later runs use again. Figures are
// printed, and written as JSON to the file that -o names; -render writes them
// into docs/performance.md.
package main
