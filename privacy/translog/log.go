package translog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/noised/noised/privacy"
)

// Reader is what reading the log takes: a *sql.Tx, or the control store.
type Reader interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Append adds one leaf in the same transaction as the act that it records and
// returns its index. Whoever appends several takes an [Appender].
func Append(ctx context.Context, tx *sql.Tx, leaf Leaf) (index int64, err error) {
	a, err := NewAppender(ctx, tx)
	if err != nil {
		return 0, err
	}
	if index, err = a.Append(ctx, leaf); err != nil {
		return 0, err
	}
	return index, a.Flush(ctx)
}

// Size returns the number of leaves.
func Size(ctx context.Context, r Reader) (int64, error) {
	var n int64
	err := r.QueryRowContext(ctx, `SELECT coalesce(max(idx), -1) + 1 FROM log_leaves`).Scan(&n)
	if err != nil {
		return 0, privacy.Internal(err, "reading the log's size")
	}
	return n, nil
}

// Head returns the number of leaves and the root hash over them.
func Head(ctx context.Context, r Reader) (size int64, root tlog.Hash, err error) {
	size, err = Size(ctx, r)
	if err != nil {
		return 0, tlog.Hash{}, err
	}
	root, err = RootAt(ctx, r, size)
	return size, root, err
}

// RootAt returns the root hash over the first leaves of the log, of which there
// must be as many. It is computed from the stored hashes of the log as it is
// now, so that the log once had this root exactly if it was continued since and
// not replaced.
func RootAt(ctx context.Context, r Reader, size int64) (tlog.Hash, error) {
	root, err := tlog.TreeHash(size, Hashes(ctx, r))
	if err != nil {
		return tlog.Hash{}, privacy.Internal(err, "hashing the log")
	}
	return root, nil
}

// Entry returns the canonical bytes of one leaf, as they were hashed.
func Entry(ctx context.Context, r Reader, index int64) ([]byte, error) {
	var data []byte
	err := r.QueryRowContext(ctx, `SELECT leaf FROM log_leaves WHERE idx = ?`, index).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, privacy.Errorf(privacy.CodeNotFound, "the log has no entry %d", index)
	}
	if err != nil {
		return nil, privacy.Internal(err, "reading the log")
	}
	return data, nil
}

// Hashes gives tlog's proofs access to the stored hashes.
func Hashes(ctx context.Context, r Reader) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		if len(indexes) == 0 {
			return nil, nil
		}
		args := make([]any, len(indexes))
		for i, idx := range indexes {
			args[i] = idx
		}
		rows, err := r.QueryContext(ctx,
			`SELECT idx, hash FROM log_hashes WHERE idx IN (?`+strings.Repeat(", ?", len(args)-1)+`)`, args...)
		if err != nil {
			return nil, err
		}
		defer func() { _ = rows.Close() }()
		return ordered(rows, indexes)
	})
}

// ordered returns the hashes in the order in which they were asked for.
func ordered(rows *sql.Rows, indexes []int64) ([]tlog.Hash, error) {
	found := make(map[int64]tlog.Hash, len(indexes))
	for rows.Next() {
		var idx int64
		var hash sql.RawBytes
		if err := rows.Scan(&idx, &hash); err != nil {
			return nil, err
		}
		if len(hash) != tlog.HashSize {
			return nil, fmt.Errorf("stored hash %d of the log has %d bytes", idx, len(hash))
		}
		found[idx] = tlog.Hash(hash)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	out := make([]tlog.Hash, len(indexes))
	for i, idx := range indexes {
		h, ok := found[idx]
		if !ok {
			return nil, fmt.Errorf("the log misses stored hash %d", idx)
		}
		out[i] = h
	}
	return out, nil
}
