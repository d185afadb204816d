// Package release stores the results that left the system, and finds them
// again.
//
// A release is written once, in the transaction that redeems its charge, before
// its first byte is sent. It is identified by its id, and by the key of what
// was asked: asking for the same noised core again finds the stored release,
// and costs nothing. A release never changes; only its count of cached hits
// does.
package release

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/translog"
)

// Release describes one stored result.
type Release struct {
	ID              string // rel_…
	Dataset         string
	ContractVersion int
	SQL             string // as first asked
	Epsilon, Delta  float64
	CreatedAt       time.Time
	CachedHits      int64
}

// Stored is a release with its contents.
type Stored struct {
	Release
	Key    string // identity of the noised core
	Charge string // the charge that paid for it
	Core   []byte // the noised core, encoded by finish.Core
	Result []byte // the first view as an Arrow stream, intervals included
}

// Store keeps releases in the control store. It is safe for concurrent use.
type Store struct{ db *controldb.DB }

// New returns a Store on db.
func New(db *controldb.DB) *Store { return &Store{db: db} }

// Put writes a release for its first reader, and its log leaf. It must run in
// the transaction that redeems the charge, so that a charge is released exactly
// when its result is durable. A key or charge that has a release already is a
// CodeConflict error.
func (s *Store) Put(ctx context.Context, tx *sql.Tx, r Stored, reader string) error {
	res, err := tx.ExecContext(ctx, `INSERT INTO releases
		(id, key, charge, dataset, contract_version, sql, epsilon, delta, core, result, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		r.ID, r.Key, r.Charge, r.Dataset, r.ContractVersion, r.SQL, r.Epsilon, r.Delta, r.Core, r.Result, r.CreatedAt.UnixMicro())
	if err != nil {
		return privacy.Internal(err, "insert release")
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return privacy.Errorf(privacy.CodeConflict, "this result was stored already").Because(err)
	}
	if err := addReader(ctx, tx, r.ID, reader); err != nil {
		return err
	}
	_, err = translog.Append(ctx, tx, translog.Leaf{Kind: "release", At: r.CreatedAt, Body: leaf{r.ID, r.Charge, r.Dataset}})
	return err
}

// leaf is what the log says of a release: ids only.
type leaf struct {
	Release string `json:"release"`
	Charge  string `json:"charge"`
	Dataset string `json:"dataset"`
}

func addReader(ctx context.Context, tx *sql.Tx, id, principal string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO release_readers (release, principal) VALUES (?, ?) ON CONFLICT DO NOTHING`, id, principal)
	if err != nil {
		return privacy.Internal(err, "insert release reader")
	}
	return nil
}

const columns = `r.id, r.key, r.charge, r.dataset, r.contract_version, r.sql, r.epsilon, r.delta, r.created_at, r.cached_hits`

// ByKey finds the release of a noised core; ok is false when there is none.
func (s *Store) ByKey(ctx context.Context, key string) (r Stored, ok bool, err error) {
	return s.one(ctx, `SELECT `+columns+`, r.core, r.result FROM releases r WHERE r.key = ?`, key)
}

// ByID finds a release by its id, whoever may read it; ok is false when there
// is none.
func (s *Store) ByID(ctx context.Context, id string) (r Stored, ok bool, err error) {
	return s.one(ctx, `SELECT `+columns+`, r.core, r.result FROM releases r WHERE r.id = ?`, id)
}

// Read finds a release that the principal asked for. Any other id, known or
// not, is the same CodeNotFound error.
func (s *Store) Read(ctx context.Context, principal, id string) (Stored, error) {
	r, ok, err := s.one(ctx, `SELECT `+columns+`, r.core, r.result FROM releases r
		JOIN release_readers a ON a.release = r.id AND a.principal = ? WHERE r.id = ?`, principal, id)
	if err == nil && !ok {
		err = privacy.Errorf(privacy.CodeNotFound, "there is no such release")
	}
	return r, err
}

func (s *Store) one(ctx context.Context, query string, args ...any) (r Stored, ok bool, err error) {
	var at int64
	err = s.db.QueryRowContext(ctx, query, args...).Scan(&r.ID, &r.Key, &r.Charge, &r.Dataset, &r.ContractVersion,
		&r.SQL, &r.Epsilon, &r.Delta, &at, &r.CachedHits, &r.Core, &r.Result)
	if errors.Is(err, sql.ErrNoRows) {
		return r, false, nil
	}
	if err != nil {
		return r, false, privacy.Internal(err, "read release")
	}
	r.CreatedAt = time.UnixMicro(at).UTC()
	return r, true, nil
}

// Hit records that a principal was served a stored release.
func (s *Store) Hit(ctx context.Context, id, principal string) error {
	return s.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE releases SET cached_hits = cached_hits + 1 WHERE id = ?`, id); err != nil {
			return privacy.Internal(err, "count cached hit")
		}
		return addReader(ctx, tx, id, principal)
	})
}

// List returns the releases that a principal asked for, newest first. The
// cursor is empty for the first page, then what the last page returned; an
// empty next means there is no more.
func (s *Store) List(ctx context.Context, principal, cursor string, limit int) (items []Release, next string, err error) {
	before := int64(1<<63 - 1)
	if cursor != "" {
		if before, err = strconv.ParseInt(cursor, 36, 64); err != nil {
			return nil, "", privacy.Errorf(privacy.CodeInvalidRequest, "the cursor is not one that this server gave")
		}
	}
	rows, err := s.db.QueryContext(ctx, `SELECT a.seq, `+columns+` FROM release_readers a JOIN releases r ON r.id = a.release
		WHERE a.principal = ? AND a.seq < ? ORDER BY a.seq DESC LIMIT ?`, principal, before, limit+1)
	if err != nil {
		return nil, "", privacy.Internal(err, "list releases")
	}
	defer func() { _ = rows.Close() }()
	var seq int64
	for rows.Next() {
		if len(items) == limit {
			return items, strconv.FormatInt(seq, 36), nil
		}
		var r Stored
		var at int64
		if err := rows.Scan(&seq, &r.ID, &r.Key, &r.Charge, &r.Dataset, &r.ContractVersion, &r.SQL, &r.Epsilon, &r.Delta, &at, &r.CachedHits); err != nil {
			return nil, "", privacy.Internal(err, "list releases")
		}
		r.CreatedAt = time.UnixMicro(at).UTC()
		items = append(items, r.Release)
	}
	if err := rows.Err(); err != nil {
		return nil, "", privacy.Internal(err, "list releases")
	}
	return items, "", nil
}
