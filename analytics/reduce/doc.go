// Package reduce flattens subqueries in FROM, so that what is planned is one
// SELECT over tables. WITH has been written out by the parser, so that this is
// also what makes WITH work.
//
// Two shapes reduce, and everything else is refused with the place in the text
// and what to write instead:
//
//   - A subquery of rows (no aggregate, GROUP BY, ORDER BY or LIMIT). Its items
//     replace the names that refer to them, its WHERE is joined to the outer one
//     by AND, and its tables take its place among those that are joined.
//   - One aggregated subquery under a plain SELECT. The outer WHERE becomes
//     HAVING, outer items are expressions of inner ones, and ORDER BY and LIMIT
//     are composed. Aggregating an aggregate again is refused: the outer one
//     would have no bound per privacy unit.
//
// Both rewrites are identities of SQL, so that the reduced query has the same
// answer as the one that was written; what is permitted and what it costs is
// decided by the planner on the reduced form alone. A name means what it means
// in SQL: it is looked up in the FROM of its own SELECT and nowhere else, so
// that neither a column which a subquery does not export nor one of a neighbour
// (DuckDB does not mark LATERAL) can be reached, and one that two relations have
// is ambiguous.
//
// The package is pure: it sees the query and the names of the tables' columns.
package reduce
