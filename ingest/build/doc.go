// Package build turns an upload, or several segments, into one segment file. It
// is the only code that writes tenants' data files, and it runs in the child
// process of package worker.
//
// # The way of a row
//
// Package upload makes the file a relation that DuckDB can read. Every value is
// cast to the contract's type (package cell), and one that cannot be read makes
// its row a bad row, as does a missing unit id. The unit id becomes a keyed 64-bit
// pseudonym at once. The result is staged in a scratch file in the order of the
// upload, where rows of a table without the unit column get the units that their
// foreign keys lead to; good rows then go to the segment, sorted by unit.
//
// Clean files are read once. Where a CSV or NDJSON file has a row that must be
// rejected, it is read again by the scanners of package scan, which know line
// numbers, and rewritten with them (see [Reject]); so clean files are fast, and dirty
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
package build
