package release

import (
	"context"
	"database/sql"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/keyring"
)

// keyName is the name of the key that releases are sealed under. They belong to
// whoever asked, and not to the tenants whose rows they were computed from: a release
// outlives those.
const keyName = "releases"

// coreScope is where a noised core belongs.
func coreScope(release string) keyring.Scope { return keyring.Scope{Name: keyName, Row: release} }

// viewScope is where a reader's view of a release belongs, its SQL and its result. An
// id has no space.
func viewScope(release, principal string) keyring.Scope {
	return keyring.Scope{Name: keyName, Row: release + " " + principal}
}

func (s *Store) sealView(ctx context.Context, tx *sql.Tx, v View) (text, purpose string, result []byte, err error) {
	at := viewScope(v.Release, v.Principal)
	if text, err = s.keys.SealTextIn(ctx, tx, at, v.SQL); err != nil {
		return "", "", nil, err
	}
	if purpose, err = s.sealPurpose(ctx, tx, at, v.Purpose); err != nil {
		return "", "", nil, err
	}
	result, err = s.keys.SealIn(ctx, tx, at, v.Result)
	return text, purpose, result, err
}

// sealPurpose leaves open whether there is one.
func (s *Store) sealPurpose(ctx context.Context, tx *sql.Tx, at keyring.Scope, purpose string) (string, error) {
	if purpose == "" {
		return "", nil
	}
	return s.keys.SealTextIn(ctx, tx, at, purpose)
}

// openTexts opens the SQL and the purpose of a principal's release.
func (s *Store) openTexts(ctx context.Context, principal string, r *Release) (err error) {
	at := viewScope(r.ID, principal)
	if r.SQL, err = s.keys.OpenTextIn(ctx, nil, at, r.SQL); err != nil {
		return err
	}
	r.Purpose, err = s.keys.OpenTextIn(ctx, nil, at, r.Purpose)
	return err
}

// SealPlain seals what is stored plain of some releases, at most so many rows, and
// returns how many it sealed. It must run in a transaction.
func (s *Store) SealPlain(ctx context.Context, tx *sql.Tx, most int) (n int, err error) {
	cores, err := s.plain(ctx, tx, `SELECT id, '', '', purpose, core FROM releases WHERE substr(core, 1, 10) <> x'f76e6f697365643a7631' LIMIT ?`, most)
	if err != nil {
		return 0, err
	}
	for _, v := range cores {
		sealed, err := s.keys.SealIn(ctx, tx, coreScope(v.Release), v.Result)
		if err != nil {
			return n, err
		}
		purpose, err := s.sealPurpose(ctx, tx, coreScope(v.Release), v.Purpose)
		if err != nil {
			return n, err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE releases SET core = ?, purpose = ? WHERE id = ?`, sealed, purpose, v.Release); err != nil {
			return n, privacy.Internal(err, "sealing releases")
		}
		n++
	}
	views, err := s.plain(ctx, tx, `SELECT release, principal, sql, purpose, result FROM release_readers WHERE substr(result, 1, 10) <> x'f76e6f697365643a7631' LIMIT ?`, most-n)
	if err != nil {
		return n, err
	}
	for _, v := range views {
		text, purpose, result, err := s.sealView(ctx, tx, v)
		if err != nil {
			return n, err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE release_readers SET sql = ?, purpose = ?, result = ? WHERE release = ? AND principal = ?`, text, purpose, result, v.Release, v.Principal); err != nil {
			return n, privacy.Internal(err, "sealing releases")
		}
		n++
	}
	return n, nil
}

// plain reads rows that are not sealed, as views.
func (s *Store) plain(ctx context.Context, tx *sql.Tx, query string, most int) (views []View, err error) {
	rows, err := tx.QueryContext(ctx, query, most)
	if err != nil {
		return nil, privacy.Internal(err, "looking for plain releases")
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var v View
		if err := rows.Scan(&v.Release, &v.Principal, &v.SQL, &v.Purpose, &v.Result); err != nil {
			return nil, privacy.Internal(err, "looking for plain releases")
		}
		views = append(views, v)
	}
	if err := rows.Err(); err != nil {
		return nil, privacy.Internal(err, "looking for plain releases")
	}
	return views, nil
}
