package verify

import (
	"context"
	"crypto/sha256"
	"database/sql"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/noised/noised/privacy/translog"
)

// tree hashes leaves one after the other, and holds what it computes against the
// stored hashes, which come in the same order.
type tree struct {
	size  int64
	next  int64       // stored index of the next hash
	roots []tlog.Hash // of the whole subtrees, by level; those of set bits of size count

	stored *sql.Rows
	failed bool // one differs: those above it do, too
}

// openTree begins with the empty tree.
func openTree(ctx context.Context, r translog.Reader) (*tree, error) {
	rows, err := r.QueryContext(ctx, `SELECT idx, hash FROM log_hashes ORDER BY idx`)
	return &tree{stored: rows}, err
}

// add appends a leaf. It reports whether the stored hashes are those of the tree.
func (t *tree) add(leaf []byte) (same bool, err error) {
	h := tlog.RecordHash(leaf)
	same = true
	for level := 0; ; level++ {
		ok, err := t.compare(h)
		if err != nil {
			return false, err
		}
		same = same && ok
		if len(t.roots) == level {
			t.roots = append(t.roots, tlog.Hash{})
		}
		if t.size>>level&1 == 0 {
			t.roots[level] = h
			break
		}
		h = tlog.NodeHash(t.roots[level], h)
	}
	t.size++
	return same, nil
}

// compare holds one hash against the next stored one.
func (t *tree) compare(h tlog.Hash) (bool, error) {
	want := t.next
	t.next++
	if t.failed {
		return true, nil // said once
	}
	if !t.stored.Next() {
		t.failed = true
		return false, t.stored.Err()
	}
	var idx int64
	var stored []byte
	if err := t.stored.Scan(&idx, &stored); err != nil {
		return false, err
	}
	t.failed = idx != want || string(stored) != string(h[:])
	return !t.failed, nil
}

// rest reports whether there are stored hashes beyond those of the tree.
func (t *tree) rest() (bool, error) { return !t.failed && t.stored.Next(), t.stored.Err() }

// root returns the root hash over the leaves so far.
func (t *tree) root() tlog.Hash {
	if t.size == 0 {
		return sha256.Sum256(nil)
	}
	var h tlog.Hash
	for level, first := 0, true; t.size>>level > 0; level++ {
		switch {
		case t.size>>level&1 == 0:
		case first:
			h, first = t.roots[level], false
		default:
			h = tlog.NodeHash(t.roots[level], h)
		}
	}
	return h
}
