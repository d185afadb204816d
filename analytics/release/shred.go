package release

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/keyring"
)

// ShredIn forgets the results of a dataset's releases, in the caller's transaction:
// their cores, and what readers were shown of them. What a release was of, what it
// cost, who asked for it and its lineage stay, and in the place of its core the SHA-256
// by which its leaf on the log, and receipts of it, can still be verified.
//
// It returns the releases whose core did not open, since it was changed or is that of
// another release. Those go too, for nobody is to keep a dataset by changing what is
// stored of it; the digest is then that of what was there, and the log does not verify,
// as it did not before.
func (s *Store) ShredIn(ctx context.Context, tx *sql.Tx, dataset string) (unopened []string, err error) {
	for last := int64(0); ; {
		some, next, err := s.after(ctx, tx, dataset, last)
		if err != nil || len(some) == 0 {
			return unopened, err
		}
		for _, c := range some {
			opened, err := s.shred(ctx, tx, c)
			if err != nil {
				return nil, err
			}
			if !opened {
				unopened = append(unopened, c.ID)
			}
		}
		last = next
	}
}

// atOnce is how many cores are in memory at a time.
const atOnce = 100

// after returns some of a dataset's releases as they are stored, after one of them, and
// which was the last.
func (s *Store) after(ctx context.Context, tx *sql.Tx, dataset string, last int64) (some []Core, next int64, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT rowid, id, core FROM releases WHERE dataset = ? AND rowid > ? AND shredded = 0 ORDER BY rowid LIMIT ?`, dataset, last, atOnce)
	if err != nil {
		return nil, 0, privacy.Internal(err, "shredding releases")
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var c Core
		if err := rows.Scan(&next, &c.ID, &c.Noised); err != nil {
			return nil, 0, privacy.Internal(err, "shredding releases")
		}
		some = append(some, c)
	}
	if err := rows.Err(); err != nil {
		return nil, 0, privacy.Internal(err, "shredding releases")
	}
	return some, next, nil
}

// shred puts its digest in the place of a core, sealed as that was. Without the key that
// opens all releases it fails: there their digests are lost, and not this one's alone.
func (s *Store) shred(ctx context.Context, tx *sql.Tx, c Core) (opened bool, err error) {
	core, err := s.keys.OpenIn(ctx, tx, coreScope(c.ID), c.Noised)
	if opened = !errors.Is(err, keyring.ErrChanged); !opened {
		core, err = c.Noised, nil
	}
	if err != nil {
		return false, err
	}
	sum := sha256.Sum256(core)
	digest, err := s.keys.SealIn(ctx, tx, coreScope(c.ID), sum[:])
	if err != nil {
		return false, err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE releases SET core = ?, shredded = 1 WHERE id = ?`, digest, c.ID); err != nil {
		return false, privacy.Internal(err, "shredding releases")
	}
	if _, err := tx.ExecContext(ctx, `UPDATE release_readers SET result = x'' WHERE release = ?`, c.ID); err != nil {
		return false, privacy.Internal(err, "shredding releases")
	}
	return opened, nil
}

// errShredded is why a release is not shown again.
func errShredded() error {
	return privacy.Errorf(privacy.CodeNotFound, "the dataset of this release was deleted, and its result with it")
}
