// Package result is what leaves the system: a table of noised values with the
// facts that a reader needs to use them, written as an Arrow IPC stream, CSV or
// JSON.
//
// A Table is built from noised numbers only; nothing here can reach an exact
// one. Writing is deterministic: the same Table gives the same bytes.
//
// Schema metadata: noised.release, noised.epsilon, noised.delta, noised.rho,
// noised.dataset, noised.contract_version, noised.privacy_unit, noised.tenants,
// noised.bounding. Field metadata: noised.mechanism, noised.stddev,
// noised.bounds, noised.quantum, and noised.confidence on interval columns.
package result
