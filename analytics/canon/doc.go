// Package canon brings bound expressions to one form for all their spellings,
// so that they share a core and hence a release: NOT is pushed inwards, AND and
// OR are flattened, operands and lists are sorted by their print, literals stand
// on the right, and what is constant is computed.
//
// Every step is exact: the result has the same value for every row, NULL
// included. Only a condition that a row has to pass may be changed where it is
// NULL, which passes no more than FALSE does (Conjuncts).
package canon
