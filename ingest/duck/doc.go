// Package duck is DuckDB as a load worker uses it: on one connection, within
// limits of memory and threads, with its configuration sealed before the first
// row is read, and shut off from every file but those of one load.
//
// The keyed functions that statements need (pseudonyms of units)
// are written in Go and registered here, so that no key stands in a statement, a
// plan or an error text. DuckDB's own error texts quote rows and paths: they end
// here too, see [Environment] and [Ours].
package duck
