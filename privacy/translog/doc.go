// Package translog keeps the transparency log: an append-only Merkle tree
// (RFC 6962, by golang.org/x/mod/sumdb/tlog) with one leaf for each act that
// moves a budget, data or a right.
//
// A leaf is appended in the transaction of the act that it records, so that
// there is no charge without its leaf and no leaf without its charge. Leaves
// hold ids, counters and commitments under fresh 256-bit nonces only: never a
// value, a literal of a query, or a digest of either, since the log is shown
// to others and a digest of something guessable gives it away. For the same
// reason every leaf has 256 bits of salt: its hash stands in proofs that others
// are given.
//
// A [Key] signs states of the log as notes (c2sp.org/tlog-checkpoint). Whoever
// kept one can tell whether the log of now continues it. A [Nonce] opens what a
// leaf commits to, part by part; it is kept by whoever wrote the leaf. Where the
// parts are of many parties, the leaf has the root of a tree over them ([Parties]).
//
// Package receipt checks what a server hands out of the log, and package verify
// replays all of it.
package translog
