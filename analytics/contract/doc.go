// Package contract reads dataset contracts: the document in which the tenants
// of a dataset agree on its columns, on who is protected, and on the bounds
// and domains that make its queries private.
//
// A contract is YAML or JSON. Parse accepts a document or refuses it with every
// problem that it has, each with its line and its dotted field. What Parse
// returns is consistent: exactly one unit column, every measure with bounds
// that are a whole number of resolution steps within the planner's limits,
// every declared domain expanded, typed and free of duplicates. Later stages
// rely on that and do not check again.
//
// Numbers that decide about privacy (bounds, resolutions, domain values) are
// read from their decimal text and computed with exactly; a float64 never
// stands between the document and a quantum.
//
// The package is pure: it reads no file and no clock, and a Contract is not
// changed after Parse, so that it may be shared between goroutines.
package contract
