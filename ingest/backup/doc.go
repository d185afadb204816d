// Package backup copies data directories and brings them back.
//
// A repository is a directory with encrypted copies of files, each under a random
// name, and with snapshots: encrypted lists that say which of them make up a data
// directory as it was at one moment. Segment files never change, so a snapshot adds
// copies only of what no earlier one has; a file that is gone is in no later list.
// Whoever has the repository without its key file learns how many files there are,
// how large they are and when they were copied, and nothing else. He can remove
// snapshots; he can change none.
//
//	DIR/backup           which repository this is, and a proof of the key
//	DIR/lock             held while it is written to
//	DIR/files/ab/ab…     copies of files
//	DIR/snapshots/000001 the list of a snapshot
//
// # What a snapshot is
//
// The control store as of one moment, by SQLite's own copy, and the files that it
// names, while servers go on. The data directory's hold (package hold) keeps the
// sweep from removing files meanwhile. An erasure does not wait: where a file that
// is in force went before it was copied, the snapshot begins again with the store as
// it is then. A snapshot is there when its list is, which is written last.
//
// # What restoring cannot bring back
//
// What was spent after the snapshot. A restored directory says so in its file
// "restored", and a server refuses it until the high-water mark shows that nothing
// was, or an operator accepts it: see privacy/highwater. Neither does a snapshot
// know of erasures and deletions after it; its report says from when on they must be
// asked for again, and names those that later snapshots know of: see [Repository.Since].
package backup
