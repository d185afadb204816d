// Package release stores the results that left the system, and finds them
// again.
//
// A release is one noised core. It is written once, in the transaction that
// redeems its charge, before its first byte is sent, and never changes until its
// dataset is deleted, which shreds its result. It is
// identified by its id, and by the key of what was asked: asking for the same
// core again finds the stored release.
//
// Whoever was served a release is one of its readers, and reads it again as the
// view that he asked for first. Readers see nothing of each other: neither their
// SQL, nor their views, nor how often they asked.
package release

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/keyring"
)

// Release describes one stored result to one of its readers.
type Release struct {
	ID              string // rel_…
	Dataset         string
	ContractVersion int
	SQL             string // as this reader first asked
	Purpose         string // that this reader gave; empty for none
	Policy          int64  // version of the policies that permitted it to this reader; 0: there were none
	Epsilon, Delta  float64
	CreatedAt       time.Time
	CachedHits      int64 // how often this reader was served it from the store
}

// Core is the part of a release that all its readers share. Its SQL and
// CachedHits are empty; its Purpose and Policy are of whoever paid, and only
// written.
type Core struct {
	Release
	Key    string // identity of the noised core
	Charge string // the charge that paid for it
	Noised []byte // the noised core, encoded by finish.Core

	Digest []byte // SHA-256 of Noised, which is then nil, where it was shredded
}

// Reading is a release as one reader's view of it.
type Reading struct {
	Release
	Result []byte // as result.Table encodes it
}

// View is what one principal is served.
type View struct {
	Release   string // its id
	Principal string
	SQL       string
	Purpose   string
	Policy    int64
	Result    []byte // as result.Table encodes it
	Cached    bool   // it comes from the store
}

// Store keeps releases in the control store. It is safe for concurrent use.
type Store struct {
	db   *controldb.DB
	keys *keyring.Ring // nil: what is stored is stored plain
}

// New returns a Store on db.
func New(db *controldb.DB) *Store { return &Store{db: db} }

// WithKeys has results and their SQL sealed, and opens what is.
func (s *Store) WithKeys(keys *keyring.Ring) *Store { s.keys = keys; return s }

// Put writes a release and its log leaf. It must run in the transaction that
// redeems the charge, so that a charge is released exactly when its result is
// durable. A key or charge that has a release already is a CodeConflict error.
func (s *Store) Put(ctx context.Context, tx *sql.Tx, c Core) error {
	noised, err := s.keys.SealIn(ctx, tx, coreScope(c.ID), c.Noised)
	if err != nil {
		return err
	}
	purpose, err := s.sealPurpose(ctx, tx, coreScope(c.ID), c.Purpose)
	if err != nil {
		return err
	}
	res, err := tx.ExecContext(ctx, `INSERT INTO releases
		(id, key, charge, dataset, contract_version, epsilon, delta, core, created_at, purpose, policy)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		c.ID, c.Key, c.Charge, c.Dataset, c.ContractVersion, c.Epsilon, c.Delta, noised, c.CreatedAt.UnixMicro(), purpose, c.Policy)
	if err != nil {
		return privacy.Internal(err, "insert release")
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return privacy.Errorf(privacy.CodeConflict, "this result was stored already").Because(err)
	}
	return log(ctx, tx, c)
}

// Serve records that a principal is served a release as the given view. first
// is true for a new reader; an old one keeps the view that it asked for first,
// and has one more hit.
func (s *Store) Serve(ctx context.Context, tx *sql.Tx, v View) (first bool, err error) {
	text, purpose, result, err := s.sealView(ctx, tx, v)
	if err != nil {
		return false, err
	}
	res, err := tx.ExecContext(ctx, `INSERT INTO release_readers (release, principal, sql, result, cached_hits, purpose, policy)
		VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`, v.Release, v.Principal, text, result, v.Cached, purpose, v.Policy)
	if err != nil {
		return false, privacy.Internal(err, "record reader of release")
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		return n == 1, err
	}
	_, err = tx.ExecContext(ctx, `UPDATE release_readers SET cached_hits = cached_hits + 1 WHERE release = ? AND principal = ?`, v.Release, v.Principal)
	if err != nil {
		return false, privacy.Internal(err, "count cached hit")
	}
	return false, nil
}

// ByKey finds the release of a noised core; ok is false when there is none. One that
// was shredded with its dataset is CodeNotFound.
func (s *Store) ByKey(ctx context.Context, key string) (c Core, ok bool, err error) {
	if c, ok, err = s.byKey(ctx, key); err == nil && c.Digest != nil {
		return Core{}, false, errShredded()
	}
	return c, ok, err
}

// byKey finds what is left of a release.
func (s *Store) byKey(ctx context.Context, key string) (c Core, ok bool, err error) {
	var at int64
	var shredded bool
	err = s.db.QueryRowContext(ctx, `SELECT id, key, charge, dataset, contract_version, epsilon, delta, core, created_at, shredded
		FROM releases WHERE key = ?`, key).
		Scan(&c.ID, &c.Key, &c.Charge, &c.Dataset, &c.ContractVersion, &c.Epsilon, &c.Delta, &c.Noised, &at, &shredded)
	if errors.Is(err, sql.ErrNoRows) {
		return c, false, nil
	}
	if err != nil {
		return c, false, privacy.Internal(err, "read release")
	}
	c.CreatedAt = time.UnixMicro(at).UTC()
	if c.Noised, err = s.keys.Open(ctx, coreScope(c.ID), c.Noised); err == nil && shredded {
		c.Noised, c.Digest = nil, c.Noised
	}
	return c, err == nil, err
}

const readerColumns = `r.id, r.dataset, r.contract_version, a.sql, r.epsilon, r.delta, r.created_at, a.cached_hits, a.purpose, a.policy`

func scanReader(scan func(...any) error, r *Release, more ...any) error {
	var at int64
	err := scan(append([]any{&r.ID, &r.Dataset, &r.ContractVersion, &r.SQL, &r.Epsilon, &r.Delta, &at, &r.CachedHits, &r.Purpose, &r.Policy}, more...)...)
	r.CreatedAt = time.UnixMicro(at).UTC()
	return err
}

// Read finds a release that the principal was served, as its view. Any other
// id, known or not, is the same CodeNotFound error; a release whose dataset was
// deleted is CodeNotFound too.
func (s *Store) Read(ctx context.Context, principal, id string) (r Reading, err error) {
	var shredded bool
	row := s.db.QueryRowContext(ctx, `SELECT `+readerColumns+`, a.result, r.shredded FROM release_readers a
		JOIN releases r ON r.id = a.release WHERE a.principal = ? AND a.release = ?`, principal, id)
	err = scanReader(row.Scan, &r.Release, &r.Result, &shredded)
	if errors.Is(err, sql.ErrNoRows) {
		return r, privacy.Errorf(privacy.CodeNotFound, "there is no such release")
	}
	if err != nil {
		return r, privacy.Internal(err, "read release")
	}
	if shredded {
		return r, errShredded()
	}
	if err := s.openTexts(ctx, principal, &r.Release); err != nil {
		return r, err
	}
	r.Result, err = s.keys.Open(ctx, viewScope(id, principal), r.Result)
	return r, err
}

// List returns the releases that a principal was served, newest first. The
// cursor is empty for the first page, then what the last page returned, the id
// of its last release; an empty next means there is no more.
func (s *Store) List(ctx context.Context, principal, cursor string, limit int) (items []Release, next string, err error) {
	before, err := s.position(ctx, principal, cursor)
	if err != nil {
		return nil, "", err
	}
	if items, err = s.page(ctx, principal, before, limit+1); err != nil {
		return nil, "", err
	}
	if len(items) > limit {
		items = items[:limit]
		next = items[limit-1].ID
	}
	for i := range items {
		if err := s.openTexts(ctx, principal, &items[i]); err != nil {
			return nil, "", err
		}
	}
	return items, next, nil
}

// page reads so many releases, with their SQL as it is stored.
func (s *Store) page(ctx context.Context, principal string, before int64, most int) (items []Release, err error) {
	rows, err := s.db.QueryContext(ctx, `SELECT `+readerColumns+` FROM release_readers a
		JOIN releases r ON r.id = a.release WHERE a.principal = ? AND a.seq < ? ORDER BY a.seq DESC LIMIT ?`, principal, before, most)
	if err != nil {
		return nil, privacy.Internal(err, "list releases")
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var r Release
		if err := scanReader(rows.Scan, &r); err != nil {
			return nil, privacy.Internal(err, "list releases")
		}
		items = append(items, r)
	}
	if err := rows.Err(); err != nil {
		return nil, privacy.Internal(err, "list releases")
	}
	return items, nil
}

// position returns where in the order of all readings a page begins. It stays
// inside: as a cursor it would tell how often others asked.
func (s *Store) position(ctx context.Context, principal, cursor string) (int64, error) {
	if cursor == "" {
		return 1<<63 - 1, nil
	}
	var seq int64
	err := s.db.QueryRowContext(ctx, `SELECT seq FROM release_readers WHERE principal = ? AND release = ?`, principal, cursor).Scan(&seq)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, privacy.Errorf(privacy.CodeInvalidRequest, "the cursor is not one that this server gave")
	}
	if err != nil {
		return 0, privacy.Internal(err, "list releases")
	}
	return seq, nil
}
