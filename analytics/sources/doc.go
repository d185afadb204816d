// Package sources resolves FROM: which tables of a dataset are read, in which
// order and along which equalities they are joined, and what a name means among
// them.
//
// What it returns keeps the guarantee of one table: every joined row has exactly
// one unit, and is a function of that unit's own rows and of public tables (see
// join.go). Whatever could break that is refused: a cross product, a join of
// private tables other than along a foreign key of the contract, rows of public
// tables alone.
package sources
