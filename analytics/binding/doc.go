// Package binding brings expressions as they are written to what may run: it
// resolves their names, permits no function that is not on an allow-list of
// package plan, checks types and makes every cast explicit, so that an engine
// never converts by itself. What it returns is in the one form of package canon.
//
// There are two kinds of places. Over rows, everything that is permitted is total
// and deterministic: an expression that failed for some row would tell that the
// row exists. A view is computed on noised values, where numbers mix freely. A
// Binder serves one place; what a name and an aggregate mean there is told to it.
package binding
