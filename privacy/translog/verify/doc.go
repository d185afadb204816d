// Package verify replays the transparency log, on its own. It shares no code with
// what writes the log and the ledger but the hash of a leaf, so that a fault in
// one is not repeated in the other.
//
// [Run] computes every hash of the tree anew from the leaves, holds them against
// the stored ones and against earlier checkpoints, opens the commitments of every
// charge with what the store keeps, follows each account through everything that
// the leaves say was done to it, and compares all of that with the tables that the
// server decides by. What differs is a [Problem]; an untouched store has none.
//
// # What it finds
//
// A leaf that was altered, dropped, added or moved; a log that is not the
// continuation of one that somebody saw; a charge, a debit, a budget, a window or
// a release in the tables that is not what the log says, or is missing on either
// side; and an account that was debited beyond its cap.
//
// # What it does not
//
// Whoever can write the store can write all of it anew, log and tables alike, and
// that is consistent in itself. It is found by a checkpoint from before, which is
// why tenants keep those. A charge's state between pending and abandoned, its
// lease and the request to run again are not in the log: they move no budget.
//
// A leaf is read by its own form: the leaves of charges have the root of a tree over
// the parties that paid, those before them list a commitment for each, and those from
// before there were commitments name the accounts. What has two forms is a problem.
package verify
