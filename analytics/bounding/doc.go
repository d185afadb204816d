// Package bounding bounds what one privacy unit contributes to a query, in one
// pass over rows that arrive ordered by unit. It is where the sensitivities
// that the mechanisms rely on become true.
//
// # Definition
//
// Rows arrive as several streams, one per segment and over all tenants, each
// ordered by unit; the bounder merges them. Every row has passed the query's
// filter. A row whose key is outside the declared combinations is dropped; a
// secret key admits any value, NULL included. Of the remaining rows of a unit,
// in stream order, the first plan.MaxUnitRows are considered, or the first m
// where Limits.MaxRows is m > 0. Then, for limits L0 (MaxPartitions) and c
// (MaxRowsPerPartition):
//
//  1. Per key and draw, n counts the unit's considered rows that pass the
//     draw's mask (and, where the draw has a value, have one), and s is, for
//     sums, the sum of their centred steps, for squares that of their centred
//     squares, each between −M and M for M = Draw.Magnitude.
//  2. A unit contributes to a key min(n, c) rows, [n ≥ 1] units, or the sum
//     s·min(n, c)/n, truncated towards zero in 128-bit arithmetic: more than c
//     rows count as c rows of their mean.
//  3. A distinct draw counts, per key, the different values in the union over
//     units of a set that each of them offers: its values there, or, when it
//     has more than c, those c with the smallest hashes of (unit, key, draw,
//     value). Values stand for themselves by their ValueHash.
//  4. A tree counts, per key, min(n, c) rows of each unit at their leaves and
//     at every node above them: all rows, or those c with the smallest hashes
//     of (unit, key, draw, leaf, ordinal among the unit's rows of that leaf).
//  5. A unit that touches more than L0 keys contributes only to the L0 keys
//     with the smallest SipHash-2-4 of (unit, hash of the key) under the
//     dataset's salt, ties broken by the key itself; the hash of a key is the
//     SipHash-2-4 of its text, which names its columns, under a key that
//     derives from the salt. A key is touched by any considered row,
//     whether or not it passes a mask, so that all draws agree on the keys.
//  6. With C (MaxL2) > 0, let N be the vector of min(considered rows, c) over
//     the unit's kept keys, whatever the masks. If ‖N‖ > C, the contributions
//     to rows, sums and squares are scaled by C·2^k/⌈2^k·‖N‖⌉ and truncated
//     towards zero, for the largest k with 4^k·‖N‖² < 2^62. Units, values and
//     leaves are not scaled.
//
// Contributions are summed over units in 128 bits. Under scope person a unit
// is a pseudonym, whichever tenants hold its rows, and so units are counted as
// a union over tenants; under scope tenant a unit is (tenant, pseudonym).
//
// # Why the bounds hold
//
// Let v be one unit's contribution to rows, units, a sum or squares, a vector
// over keys. It depends on that unit's rows, the salt and the plan only, and
// the result is the sum of such vectors; so adding or removing a unit moves the
// result by exactly v.
//
// By rule 5, v has at most L0 non-zero entries. By rule 2 each entry is at
// most c·M in magnitude: |s| ≤ n·M, hence |s|·min(n, c)/n ≤ min(n, c)·M, and
// truncation towards zero only shrinks it. For units the entry is 0 or 1. With
// m > 0, Σ|entries| ≤ Σ min(n, c)·M ≤ m·M, because the n of one draw, over all
// keys, count distinct considered rows, of which there are at most m. These
// are the premises of privacy.Bounds.L1Rows and L2Rows, scaled by M.
//
// With C > 0, |v_i| ≤ min(n_i, c)·M ≤ N_i·M for every kept key i, since the rows
// that a draw counts are among those considered. Scaling makes of it at most
// N_i·M·C/‖N‖, for the factor never exceeds C/‖N‖, and so ‖v‖ ≤ C·M; where
// ‖N‖ ≤ C, ‖v‖ ≤ ‖N‖·M ≤ C·M without it. N depends on that unit's rows only.
//
// Distinct draws are not sums of vectors, but monotone: with the unit, a key
// counts |A ∪ B| hashes, without it |B|, where A is the set that the unit
// offers and B the union of all others. The difference lies between 0 and |A|,
// which is at most min(n, c), and 0 for keys that the unit does not keep. So the
// vector of differences has the bounds of a vector of rows, without C. That two
// values may share a hash changes nothing: the sets are sets of hashes.
//
// In a tree, the unit adds to the nodes of each level numbers ≥ 0 that sum, per
// key, to min(n, c): the rows that it keeps, each in one node. The squares of
// such numbers sum to at most min(n, c)², so each level, as a vector over keys
// and nodes, has at most the L1 and L2 norms of a vector of rows, and all
// levels together have Levels times the L1 norm and √Levels times the L2 norm.
// Every node moves by at most c.
//
// # Why it is reproducible
//
// Without MaxRows, and below plan.MaxUnitRows rows, n and s are sums over a set
// of rows, and the choices of rules 3 and 4 are functions of the multiset of a
// unit's values; so nothing depends on the order of rows within a unit, on the
// number of segments or on threads. With MaxRows they depend on stream order
// alone, which is a property of the immutable segments.
//
// Units contribute apart from each other, and so several Bounders may each take
// some of them, on threads of their own: see Merge.
//
// # Memory
//
// Rows are kept no longer than the batches that they come in, of which there is one
// per stream, and as many rows again where several streams are put in order. Of the
// units that end within a batch, and of the one that is being read, a cell is held per
// touched key and draw and, for each distinct draw and tree, 16 bytes per different
// pair of key and value, up to twice that between merges, and never more than one entry
// per considered row: 2^24 of them at the very most. A distinct draw holds 11 to
// 22 bytes per key and value kept. A tree holds at most 32 bytes per row kept, and
// per key not much more than 8 bytes per leaf. Declared keys have at most
// plan.MaxCells integers in all, which engines check before they read; under
// secret keys the nodes of a tree are made of those groups only that have
// passed selection. So no limit of this package is one that a single unit's
// rows could exceed: a run fails for want of memory or time, or not at all.
//
// # Why a mean and not a clamp
//
// Clamping s to ±c·M would leave a unit with many rows a sum that belongs to
// n rows beside a count of c; their ratio would then be biased towards the
// bounds. As c rows of their mean, count and sum stay coherent. Quantiles and
// values have no mean of rows, and so draws of them choose rows.
//
// # Failing closed
//
// If a stream goes back to a smaller unit, that unit would be bounded twice.
// The bounder checks every step of every stream and ends with an internal
// error, without a result.
package bounding
