// Package worker is the child process that turns an upload into a segment
// file. It is the only code that parses what tenants send and the only code
// that writes tenants' data files.
//
// It runs apart from the server because parsers of hostile input may crash,
// and because a DuckDB file must have no reader and writer in one process. The
// server starts it as `noised worker`, hands it a [Spec] on standard input
// (keys included, so that nothing secret stands on a command line) and reads
// [Event] lines from standard output: progress, then one result. When standard
// input ends, its server is gone and the worker stops. It reads the upload and
// older segments, and writes in one directory of its own, which the server
// removes afterwards; DuckDB is locked to those paths and its configuration is
// sealed before the first row is read.
//
// # The way of a row
//
// CSV, NDJSON and Parquet are read by DuckDB; an Arrow stream is rewritten as
// Parquet batch by batch first. Every value is cast to the contract's type
// with TRY_CAST, and one that cannot be read makes its row a bad row, as does
// a missing unit id. The unit id becomes a keyed 64-bit pseudonym at once. The
// result is staged in a scratch file in the order of the upload; good rows
// then go to the segment, sorted by unit.
//
// Clean files are read once. Where a CSV or NDJSON file has a row that must be
// rejected, it is read again by a scanner of our own that knows line numbers
// and rewrites it with them (see [Reject]); so clean files are fast, and dirty
// ones tell exactly where.
//
// # What is rejected
//
// A row is bad, and counted against max_bad_records, when it does not have the
// form of its format, when its unit id is missing or blank, or when a value
// cannot be read as its column's type without changing it (whole numbers must
// be whole, dates lie in the years 1 to 9999; excess digits of a decimal are
// rounded). Rows beyond what one unit may have are left out too, and listed,
// but they are not bad: see [MaxUnitRows].
//
// Messages never hold a value. Values appear in the reject file only, which
// belongs to the tenant that sent them.
package worker
