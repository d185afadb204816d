// Package job brings data in: it takes uploads, keeps them as load jobs in the
// control store, has a child process turn each into a segment file, and
// publishes the result as the tenant's next generation.
//
// # States
//
//	pending ──▶ running ──▶ succeeded
//	   │          │ ▲  └──▶ failed
//	   │          ▼ │ (the server stopped; at most MaxAttempts times)
//	   │        pending
//	   └──────────┴───────▶ cancelled (or its dataset was deleted)
//
// Every change of state is a compare-and-swap in the control store. The step
// to succeeded and the publication of the generation are one transaction, so
// that a load is finished exactly when its rows can be read.
//
// # What a crash leaves
//
// The old generation or the new one, at any moment. An upload is durable before
// its load is on record. A segment file is durable under its final name before
// the transaction that publishes it, and its name is on record before it is
// written, so that a file that was never published is found and removed. A
// server that starts runs interrupted loads again while their uploads are
// intact. A load_id makes sending an upload again safe: the same id with the
// same content is the same load.
//
// # One writer
//
// Only the process that holds the lock on worker.lock runs jobs, recovers and
// cleans up; it also merges tables (see package compact). Any number of processes on the same data directory may take
// uploads, show loads and cancel them; one of them takes over when the lock
// becomes free.
//
// Loads of one tenant into one dataset run one after the other in the order of
// their arrival, whatever their table, and each publishes a generation of all
// tables. So a table that refers to another is loaded against that one as it
// stood then; rows that are there already stay whose they were, when that one
// changes. Public tables are loaded by the operator, for no tenant. Nothing here looks at rows: messages about a load come from
// the worker, name lines and columns, and hold no values.
package job
