// Package translog keeps the transparency log: an append-only Merkle tree
// (RFC 6962, by golang.org/x/mod/sumdb/tlog) with one leaf for each act that
// moves a budget, data or a right.
//
// A leaf is appended in the transaction of the act that it records, so that
// there is no charge without its leaf and no leaf without its charge. Leaves
// hold ids, counters and commitments under fresh 256-bit nonces only: never a
// value, a literal of a query, or a digest of either, since the log is shown
// to others and a digest of something guessable gives it away.
package translog
