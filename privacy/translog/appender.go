package translog

import (
	"context"
	"database/sql"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/noised/noised/privacy"
)

// Appender appends leaves in one transaction, and reads each stored hash that
// they need at most once. Nobody else may append in that transaction while it is
// in use.
type Appender struct {
	tx    *sql.Tx
	size  int64
	known map[int64]tlog.Hash // by stored index
}

// NewAppender returns an appender to the log as the transaction sees it.
func NewAppender(ctx context.Context, tx *sql.Tx) (*Appender, error) {
	size, err := Size(ctx, tx)
	return &Appender{tx: tx, size: size, known: map[int64]tlog.Hash{}}, err
}

// Append adds one leaf and returns its index. It writes the leaf and, on average,
// two hashes.
func (a *Appender) Append(ctx context.Context, leaf Leaf) (index int64, err error) {
	data, err := leaf.canonical()
	if err != nil {
		return 0, err
	}
	index = a.size
	hashes, err := tlog.StoredHashes(index, data, a.hashes(ctx))
	if err != nil {
		return 0, privacy.Internal(err, "hashing a log leaf")
	}
	if _, err := a.tx.ExecContext(ctx, `INSERT INTO log_leaves (idx, leaf) VALUES (?, ?)`, index, data); err != nil {
		return 0, privacy.Internal(err, "appending to the log")
	}
	first := tlog.StoredHashIndex(0, index)
	args := make([]any, 0, 2*len(hashes))
	for i, h := range hashes {
		a.known[first+int64(i)] = h
		args = append(args, first+int64(i), h[:])
	}
	_, err = a.tx.ExecContext(ctx, `INSERT INTO log_hashes (idx, hash) VALUES (?, ?)`+strings.Repeat(`, (?, ?)`, len(hashes)-1), args...)
	if err != nil {
		return 0, privacy.Internal(err, "appending to the log")
	}
	a.size++
	return index, nil
}

// hashes reads stored hashes, and keeps what it read.
func (a *Appender) hashes(ctx context.Context) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		var missing []int64
		for i, idx := range indexes {
			h, ok := a.known[idx]
			if out[i] = h; !ok {
				missing = append(missing, idx)
			}
		}
		if len(missing) == 0 {
			return out, nil
		}
		read, err := Hashes(ctx, a.tx).ReadHashes(missing)
		if err != nil {
			return nil, err
		}
		for i, idx := range missing {
			a.known[idx] = read[i]
		}
		for i, idx := range indexes {
			out[i] = a.known[idx]
		}
		return out, nil
	})
}
