// Package record shows the transparency log to those who may see it: its signed
// states and proofs to everybody, what it says of a tenant to that tenant, and what
// it says of a release, as a receipt, to whoever was served it or paid for it.
//
// Leaves commit to what they do not say. The package opens of them what is the
// viewer's own, and nothing else.
package record

import (
	"context"
	"database/sql"
	"sort"
	"sync/atomic"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/translog"
)

// Service reads the log. It is safe for concurrent use.
type Service struct {
	db       *controldb.DB
	releases *release.Store
	key      *translog.Key // nil: nothing is signed
	unsalted atomic.Int64  // leaves without salt, plus one; 0: not counted yet
}

// New returns the service on a control store. Without a key, states of the log are
// not signed, and there are no receipts.
func New(db *controldb.DB, releases *release.Store, key *translog.Key) *Service {
	return &Service{db: db, releases: releases, key: key}
}

func unsigned() error {
	return privacy.Errorf(privacy.CodeNotFound, "this server does not sign its log: its operator has made no key for it").
		Suggest("noised log key --data-dir DIR, by the operator")
}

// Verifier returns what the log's signatures are checked with.
func (s *Service) Verifier() (string, error) {
	if s.key == nil {
		return "", unsigned()
	}
	return s.key.Verifier(), nil
}

// Checkpoint returns the state of the log as it is now, signed.
func (s *Service) Checkpoint(ctx context.Context) (signed []byte, err error) {
	if s.key == nil {
		return nil, unsigned()
	}
	err = s.db.View(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, signed, err = s.key.Checkpoint(ctx, tx)
		return err
	})
	return signed, err
}

// Inclusion proves that a leaf of so many is on the log; its hash is what the proof
// begins with.
func (s *Service) Inclusion(ctx context.Context, leaf, size int64) (hash tlog.Hash, proof []tlog.Hash, err error) {
	err = s.proving(ctx, leaf+1, size, func(ctx context.Context, tx *sql.Tx) (err error) {
		if proof, err = tlog.ProveRecord(size, leaf, translog.Hashes(ctx, tx)); err != nil {
			return err
		}
		found, err := translog.Hashes(ctx, tx).ReadHashes([]int64{tlog.StoredHashIndex(0, leaf)})
		if err == nil {
			hash = found[0]
		}
		return err
	})
	return hash, proof, err
}

// Consistency proves that the log of so many leaves continues that of fewer.
func (s *Service) Consistency(ctx context.Context, from, to int64) (proof []tlog.Hash, err error) {
	err = s.proving(ctx, from, to, func(ctx context.Context, tx *sql.Tx) (err error) {
		proof, err = tlog.ProveTree(to, from, translog.Hashes(ctx, tx))
		return err
	})
	return proof, err
}

// proving checks what a proof is asked of: 1 ≤ part ≤ size, and size is no more than
// there is. Leaves from before there was salt come with no proof for everybody: some
// of them could be guessed, and their hashes would say whether the guess is right.
// Whoever may see such a leaf has its proof in a receipt.
func (s *Service) proving(ctx context.Context, part, size int64, prove func(context.Context, *sql.Tx) error) error {
	return s.db.View(ctx, func(ctx context.Context, tx *sql.Tx) error {
		now, err := translog.Size(ctx, tx)
		if err != nil {
			return err
		}
		if part < 1 || part > size || size > now {
			return privacy.Errorf(privacy.CodeInvalidRequest, "there is no such proof: the log has %d leaves", now)
		}
		first, err := s.salted(ctx, tx, now)
		if err != nil {
			return err
		}
		if part <= first {
			return privacy.Errorf(privacy.CodeInvalidRequest, "there are public proofs of what came after the first %d leaves", first)
		}
		if err := prove(ctx, tx); err != nil {
			return privacy.Internal(err, "proving the log")
		}
		return nil
	})
}

// salted returns how many leaves come before those that have salt and no neighbour
// without. Leaves have had salt since a version of the program, so that all without
// it come first.
func (s *Service) salted(ctx context.Context, tx *sql.Tx, size int64) (int64, error) {
	if known := s.unsalted.Load(); known > 0 {
		return known - 1, nil
	}
	var err error
	first := int64(sort.Search(int(size), func(i int) bool {
		var has bool
		if err == nil {
			err = tx.QueryRowContext(ctx, `SELECT instr(CAST(leaf AS TEXT), ',"salt":"') > 0 FROM log_leaves WHERE idx = ?`, i).Scan(&has)
		}
		return has
	}))
	if err != nil {
		return 0, privacy.Internal(err, "reading the log")
	}
	first += first % 2 // leaves are hashed in pairs
	if first < size {
		s.unsalted.Store(first + 1)
	}
	return first, nil
}
