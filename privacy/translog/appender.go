package translog

import (
	"context"
	"database/sql"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
)

// Appender appends leaves in one transaction. It reads the stored hashes that
// they need once, and writes when it is flushed. Nobody else may append in that
// transaction while it is in use.
type Appender struct {
	tx             *sql.Tx
	size           int64
	known          map[int64]tlog.Hash // by stored index
	edge           []int64             // stored indexes that are not read yet
	leaves, hashes controldb.Rows
}

// NewAppender returns an appender to the log as the transaction sees it.
func NewAppender(ctx context.Context, tx *sql.Tx) (*Appender, error) {
	size, err := Size(ctx, tx)
	return &Appender{
		tx: tx, size: size, known: map[int64]tlog.Hash{}, edge: edgeOf(size),
		leaves: controldb.InsertInto("log_leaves (idx, leaf)", 2), hashes: controldb.InsertInto("log_hashes (idx, hash)", 2),
	}, err
}

// Append adds one leaf, and on average two hashes, and returns its index. They are
// not written before Flush.
func (a *Appender) Append(ctx context.Context, leaf Leaf) (index int64, err error) {
	if leaf.salt == "" {
		leaf.salt = newSalt()
	}
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
		out := make([]tlog.Hash, len(indexes))
		for i, idx := range indexes {
			h, ok := a.known[idx]
			if !ok && a.edge != nil { // the first that is missed
				if err := a.readEdge(ctx); err != nil {
					return nil, err
				}
				h, ok = a.known[idx]
			}
			if !ok {
				return nil, fmt.Errorf("the log misses stored hash %d", idx)
			}
			out[i] = h
		}
		return out, nil
	})
}

// readEdge reads the roots of the whole subtrees that the log is made of: all that
// leaves to come are hashed with.
func (a *Appender) readEdge(ctx context.Context) error {
	hashes, err := Hashes(ctx, a.tx).ReadHashes(a.edge)
	if err != nil {
		return err
	}
	for i, idx := range a.edge {
		a.known[idx] = hashes[i]
	}
	a.edge = nil
	return nil
}

// edgeOf returns the stored indexes of the roots of a log's whole subtrees.
func edgeOf(size int64) []int64 {
	edge := []int64{}
	for level := 0; size>>level > 0; level++ {
		if n := size >> level; n%2 == 1 {
			edge = append(edge, tlog.StoredHashIndex(level, n-1))
		}
	}
	return edge
}
