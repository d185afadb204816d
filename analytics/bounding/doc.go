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
//     draw's mask (and, for a sum, have a value), and s is the sum of their
//     centred steps, each between −M and M for M = Draw.Magnitude.
//  2. A unit contributes to a key min(n, c) rows, [n ≥ 1] units, or the sum
//     s·min(n, c)/n, truncated towards zero in 128-bit arithmetic: more than c
//     rows count as c rows of their mean.
//  3. A unit that touches more than L0 keys contributes only to the L0 keys
//     with the smallest SipHash-2-4 of (unit, key) under the dataset's salt,
//     ties broken by the key itself. A key is touched by any considered row,
//     whether or not it passes a mask, so that all draws agree on the keys.
//
// Contributions are summed over units in 128 bits. Under scope person a unit
// is a pseudonym, whichever tenants hold its rows, and so units are counted as
// a union over tenants; under scope tenant a unit is (tenant, pseudonym).
//
// # Why the bounds hold
//
// Let v be one unit's contribution to a draw, a vector over keys. It depends on
// that unit's rows, the salt and the plan only, and the result is the sum of
// such vectors; so adding or removing a unit moves the result by exactly v.
//
// By rule 3, v has at most L0 non-zero entries. By rule 2 each entry is at
// most c·M in magnitude: |s| ≤ n·M, hence |s|·min(n, c)/n ≤ min(n, c)·M, and
// truncation towards zero only shrinks it. For units the entry is 0 or 1. With
// m > 0, Σ|entries| ≤ Σ min(n, c)·M ≤ m·M, because the n of one draw, over all
// keys, count distinct considered rows, of which there are at most m. These
// are the premises of privacy.Bounds.L1Rows and L2Rows, scaled by M.
//
// # Why it is reproducible
//
// Without MaxRows, and below plan.MaxUnitRows rows, n and s are sums over a set
// of rows, and so do not depend on the order of rows within a unit, on the
// number of segments or on threads. With MaxRows they depend on stream order
// alone, which is a property of the immutable segments.
//
// # Why a mean and not a clamp
//
// Clamping s to ±c·M would leave a unit with many rows a sum that belongs to
// n rows beside a count of c; their ratio would then be biased towards the
// bounds. As c rows of their mean, count and sum stay coherent.
//
// # Failing closed
//
// If a stream goes back to a smaller unit, that unit would be bounded twice.
// The bounder checks every step of every stream and ends with an internal
// error, without a result.
package bounding
