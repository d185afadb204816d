// Package sqlgen turns the core of a bounded plan into SQL: one SELECT per
// segment, or per tenant where tables are joined, that delivers, in the order of
// units, each row's unit, its key columns and
// what the plan's draws need of it. The text is generated from the sealed plan
// alone; nothing that a user wrote is copied into it, except literals, which
// are quoted here.
//
// # Totality
//
// A run must not fail because of a row, for its failing would tell that the row
// exists. Every expression is therefore rendered (by package sqlexpr) so that DuckDB
// cannot raise an error on any input:
//
//   - Plan arithmetic is on doubles, which overflow to infinities; "/" checks
//     its divisor. "//" and "%" have positive constant divisors. Roots and
//     logarithms are NULL where DuckDB would fail.
//   - Casts are TRY_CAST, also the one that gives a key its type. Functions of time see only years 1 to 9999; the rest
//     is NULL before they are reached.
//   - Quantising a double clamps before it casts; quantising an exact number
//     uses integers that are wide enough for every value of the column's type,
//     by the argument at sqlexpr.Builder.Quantise.
//   - A function that is not rendered here is an internal error when the query
//     is built, before a row is read.
//
// # Shared operands
//
// Where a rendering needs an operand more than once, the operand becomes a
// column of an inner SELECT, so that the text grows linearly with the plan
// however deeply calls are nested.
//
// # Order
//
// Over one table the statement is a scan, a filter and projections, which keep
// the stored order; a join is sorted. The engine switches off the optimizer rule that would turn a long IN
// list into a hash join.
//
// # Codes
//
// A key whose Coded is set is read as the stored codes of its column instead of
// its text, by aggregates and by streams of one table. Elsewhere in the plan the
// column is what it always is.
//
// # Aggregates
//
// Where stored ranks bound a plan (plan.Strategy), Aggregate renders one statement
// for all segments, which delivers sums instead of rows: the rows within the
// ranks that pass the filter, grouped by the keys. Order plays no part in it.
package sqlgen
