// Package scalar computes the expressions that a view makes of one group's keys
// and aggregates: their types, their values by SQL's three-valued logic, and
// arithmetic that never fails. What has no value, such as a quotient by zero or
// a float beyond all bounds, is NULL; whole numbers saturate.
//
// An aggregate comes in as a number that already carries its noise, and nothing
// else is looked at: an expression that failed, or took other paths, for some
// rows would tell of them what noise is there to hide.
package scalar
