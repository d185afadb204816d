// Package roweval computes bound expressions over given values as an engine
// computes them over rows: with the allow-listed functions of plan.RowFunctions,
// their casts, and SQL's three-valued logic. The planner finds with it the values
// that a key can have, and writes literals in the type that they are compared in.
//
// It is not package scalar, which computes what a view makes of noised values,
// where any total meaning will do. Here the value must be the engine's, to the
// last bit, for it becomes the key of a group. So an Evaluator says where it is
// not certain what an engine holds, and Exact where a conversion would lose
// something, and the caller does without.
package roweval
