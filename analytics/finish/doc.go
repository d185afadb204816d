// Package finish turns the noised core of a query into the columns that were
// asked for: package estimate makes aggregates of draws, package scalar computes
// what a view makes of them, and finish puts both together with HAVING, ORDER BY
// and LIMIT, and carries the intervals of aggregates through expressions.
//
// A core is what a release stores. It holds noised integers and no view, so
// one release answers every view of the same draws, now and later. Everything
// here is post-processing of numbers that already carry their noise, so it costs
// no privacy and may be repeated freely. It is deterministic and draws no
// randomness.
package finish
