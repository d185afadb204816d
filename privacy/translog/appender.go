package translog

import (
	"context"
	"database/sql"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
)

// Appender appends leaves in one transaction. It reads each stored hash that they
// need once at most, and writes when it is flushed. Nobody else may append in that
// transaction while it is in use.
type Appender struct {
	tx             *sql.Tx
	size           int64
	known          map[int64]tlog.Hash // by stored index
	leaves, hashes controldb.Rows
}

// NewAppender returns an appender to the log as the transaction sees it.
func NewAppender(ctx context.Context, tx *sql.Tx) (*Appender, error) {
	size, err := Size(ctx, tx)
	return &Appender{
		tx: tx, size: size, known: map[int64]tlog.Hash{},
		leaves: controldb.InsertInto("log_leaves (idx, leaf)", 2), hashes: controldb.InsertInto("log_hashes (idx, hash)", 2),
	}, err
}

// Append adds one leaf, and on average two hashes, and returns its index. They are
// not written before Flush.
func (a *Appender) Append(ctx context.Context, leaf Leaf) (index int64, err error) {
	data, err := leaf.canonical()
	if err != nil {
		return 0, err
	}
	index = a.size
	hashes, err := tlog.StoredHashes(index, data, a.stored(ctx))
	if err != nil {
		return 0, privacy.Internal(err, "hashing a log leaf")
	}
	a.leaves.Add(index, data)
	first := tlog.StoredHashIndex(0, index)
	for i, h := range hashes {
		a.known[first+int64(i)] = h
		a.hashes.Add(first+int64(i), h[:])
	}
	a.size++
	return index, nil
}

// Flush writes what was appended.
func (a *Appender) Flush(ctx context.Context) error {
	err := a.leaves.Write(ctx, a.tx)
	if err == nil {
		err = a.hashes.Write(ctx, a.tx)
	}
	if err != nil {
		return privacy.Internal(err, "appending to the log")
	}
	return nil
}

// stored gives access to stored hashes and to those that will be.
func (a *Appender) stored(ctx context.Context) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var missing []int64
		for _, idx := range indexes {
			if _, ok := a.known[idx]; !ok {
				missing = append(missing, idx)
			}
		}
		read, err := Hashes(ctx, a.tx).ReadHashes(missing)
		if err != nil {
			return nil, err
		}
		for i, idx := range missing {
			a.known[idx] = read[i]
		}
		out := make([]tlog.Hash, len(indexes))
		for i, idx := range indexes {
			out[i] = a.known[idx]
		}
		return out, nil
	})
}
