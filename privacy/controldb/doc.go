// Package controldb opens the control store: the one SQLite file that holds
// the ledger, the catalog, keys, loads and releases.
//
// It knows no domain type. Other packages bring their tables as numbered
// migrations in migrations/sqlite, write inside [DB.InTx] and read through
// [DB.QueryContext]. What they may rely on:
//
//   - A transaction that InTx reports as done is on disk: the file is in
//     write-ahead mode with synchronous=FULL, so every commit is one fsync.
//   - Transactions are serialisable. Each begins with BEGIN IMMEDIATE, so that
//     what it reads cannot change before it commits, whatever other process
//     shares the file.
//   - Several processes may open the same file. Each has one writing
//     connection and queues its own writers on it; between processes a busy
//     lock is retried with bounded back-off.
//
// A store that is restored from a copy has forgotten what came after it. A
// [Witness] keeps a record elsewhere that shows it.
//
// Nothing in this process may open and close the file by other means (to copy
// or hash it, say): on POSIX systems closing any descriptor of a file drops
// the locks that SQLite holds on it.
package controldb
