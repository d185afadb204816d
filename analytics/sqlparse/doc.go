// Package sqlparse turns the text of a query into a plan.Select.
//
// DuckDB itself is the parser: its json_serialize_sql prints the syntax tree
// of a statement as JSON, so that there is no second grammar to disagree with
// the engine's. The text is only ever a bound parameter of that function, in a
// locked, empty, in-memory instance; it is never run, and what runs later is
// rebuilt from the plan.
//
// The tree is read by an allow-list, of node classes and of fields: every field
// of every node must be consumed by the code that knows it, or be the default
// that it is when the construct it stands for is absent. A field that a later
// DuckDB adds is refused until somebody has thought about it. What is refused
// gives a query-not-permitted error that names the construct, its position in
// characters, and the nearest permitted form; names of columns and functions
// are not this package's business but the planner's.
package sqlparse
