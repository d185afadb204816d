// Package highwater keeps a mark, outside the data directory, of how far a
// control store has come: the size and the root hash of its transparency log.
//
// Budgets are promises about everything that ever left. A control store that is
// restored from a backup has forgotten what was spent since the backup, and
// would give it away again. The mark tells: a store whose log is shorter than
// the mark, or has another root at the mark's size, went back, or went another
// way, and must not serve.
//
// # What it guarantees
//
// [Guard] is the control store's witness ([controldb.Witness]). When a
// transaction that appended to the log returns, the mark covers it, and the mark
// is on disk; only then may an answer leave that the transaction paid for. So
// whatever left is covered by the mark, at every moment and after every crash.
// The store may be ahead of the mark, when it was killed between the two; it is
// never behind.
//
// Several processes may share a store and its mark. Each checks, when it finds
// that somebody else moved the mark, that the mark still lies on its own log:
// two servers on two copies of a store stop each other, rather than spend the
// same budget twice.
//
// While the mark cannot be written, or takes long, the store answers nobody. A
// commit can be read for the moment that its mark takes otherwise: only what a
// backup has that was made since the mark before would be spent twice then.
//
// # What it does not
//
// Whoever can write both the data directory and the mark can roll back both.
// Keep the mark where backups of the data directory do not reach.
//
// # The file
//
// It has two slots of 4,096 bytes, each with a mark as text and a checksum. A new
// mark is written in place over the older of the two and flushed, so that the
// newer one is whole at every moment; that takes a fifth of the time of writing
// a new file and renaming it. Whatever else stands there is damage and is
// refused: a mark takes one sector, which disks write whole or not at all, and
// one that does not must not be told from a mark that somebody changed.
// Processes take turns by a lock on the file.
package highwater
