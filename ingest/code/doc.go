// Package code finds the codes of texts when rows are stored, so that queries can
// group by small integers: see [plan.CodeColumn].
//
// A code is a function of the text as it is stored and of the declared values
// alone. It is always computed from the text, also when segments are merged, and
// never carried over: what a code means changes with the declared values.
package code
