// Package hostile makes files that mean harm, for tests: what a tenant may send by
// accident or on purpose to break the reader of uploads, or the machine that it runs
// on. They are made from seeds, so that a file is known by its name and is the same
// on every run.
//
// A wholesome file has the columns person (a whole number), city (a text) and rating
// (a number from 1 to 5).
package hostile
