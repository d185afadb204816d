package policy

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/translog"
)

// Where a version comes from.
const (
	SourceAPI     = "api"
	SourceFiles   = "files"
	SourceDefault = "default"
)

// Version is one set that is or was in force.
type Version struct {
	Number    int64
	Source    string
	Files     Files // nil in lists
	CreatedAt time.Time
	CreatedBy string // principal, or "" for a server that read files or its defaults
}

// store keeps versions in the control store.
type store struct {
	db  *controldb.DB
	now func() time.Time
}

// leaf is what the log says of a version: which policies it has, by their names.
type leaf struct {
	Version  int64    `json:"version"`
	Source   string   `json:"source"`
	Policies []string `json:"policies"`
	By       string   `json:"by"`
}

// add keeps a set as a new version. What stands in files and in the program is
// kept once: the same texts are the same version again. The defaults are nobody's
// act, and no leaf of the log.
func (s store) add(ctx context.Context, set *Set, source, by string) (v Version, err error) {
	document, err := json.Marshal(set.files)
	if err != nil {
		return v, privacy.Internal(err, "encode policies")
	}
	v = Version{Source: source, Files: set.files, CreatedAt: s.now().UTC().Truncate(time.Microsecond), CreatedBy: by}
	err = s.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if source != SourceAPI {
			var at int64
			err := tx.QueryRowContext(ctx, `SELECT version, created_at FROM policy_versions WHERE source = ? AND digest = ? ORDER BY version DESC LIMIT 1`,
				source, set.files.digest()).Scan(&v.Number, &at)
			if err == nil {
				v.CreatedAt = time.UnixMicro(at).UTC()
				return nil
			}
			if !errors.Is(err, sql.ErrNoRows) {
				return privacy.Internal(err, "read policies")
			}
		}
		err := tx.QueryRowContext(ctx, `INSERT INTO policy_versions (version, source, digest, document, created_at, created_by)
			SELECT COALESCE(MAX(version), 0) + 1, ?, ?, ?, ?, ? FROM policy_versions RETURNING version`,
			source, set.files.digest(), string(document), v.CreatedAt.UnixMicro(), by).Scan(&v.Number)
		if err != nil {
			return privacy.Internal(err, "keep policies")
		}
		if source == SourceDefault {
			return nil
		}
		_, err = translog.Append(ctx, tx, translog.Leaf{Kind: translog.KindPolicy, At: v.CreatedAt, Body: leaf{v.Number, source, set.IDs(), by}})
		return err
	})
	return v, err
}

// latest returns the number of the version that was last set by the API; 0 for
// none.
func (s store) latest(ctx context.Context) (n int64, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT COALESCE(MAX(version), 0) FROM policy_versions WHERE source = 'api'`).Scan(&n)
	if err != nil {
		return 0, privacy.Internal(err, "read policies")
	}
	return n, nil
}

// get returns one version.
func (s store) get(ctx context.Context, number int64) (v Version, err error) {
	var document string
	var at int64
	err = s.db.QueryRowContext(ctx, `SELECT version, source, document, created_at, created_by FROM policy_versions WHERE version = ?`, number).
		Scan(&v.Number, &v.Source, &document, &at, &v.CreatedBy)
	if errors.Is(err, sql.ErrNoRows) {
		return v, privacy.Errorf(privacy.CodeNotFound, "there is no such version of the policies")
	}
	if err == nil {
		err = json.Unmarshal([]byte(document), &v.Files)
	}
	if err != nil {
		return v, privacy.Internal(err, "read policies")
	}
	v.CreatedAt = time.UnixMicro(at).UTC()
	return v, nil
}

// maxListed is how many versions a list shows.
const maxListed = 1000

// list returns the latest versions without their texts, newest first.
func (s store) list(ctx context.Context) ([]Version, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT version, source, created_at, created_by FROM policy_versions ORDER BY version DESC LIMIT ?`, maxListed)
	if err != nil {
		return nil, privacy.Internal(err, "list policies")
	}
	defer func() { _ = rows.Close() }()
	var out []Version
	for rows.Next() {
		var v Version
		var at int64
		if err := rows.Scan(&v.Number, &v.Source, &at, &v.CreatedBy); err != nil {
			return nil, privacy.Internal(err, "list policies")
		}
		v.CreatedAt = time.UnixMicro(at).UTC()
		out = append(out, v)
	}
	if err := rows.Err(); err != nil {
		return nil, privacy.Internal(err, "list policies")
	}
	return out, nil
}
