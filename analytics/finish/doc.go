// Package finish turns the noised core of a query into the columns that were
// asked for: aggregates from draws, arithmetic between them, HAVING, ORDER BY
// and LIMIT.
//
// Everything here is post-processing of numbers that already carry their
// noise, so it costs no privacy and may be repeated freely over one release. It
// is deterministic and draws no randomness.
package finish
