package schema

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
)

// CopyInto writes what a connection sees to a new file, as of one moment. What was
// deleted is in no page of it. When it returns nil, the copy is on disk; otherwise
// there is none.
func CopyInto(ctx context.Context, db *sql.DB, to string) (err error) {
	// SQLite takes an empty file for a new one, and leaves its mode.
	f, err := os.OpenFile(to, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		_ = f.Close()
		if err != nil {
			_ = os.Remove(to)
		}
	}()
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", to); err != nil {
		return fmt.Errorf("copying the control store: %w", err)
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return syncDir(filepath.Dir(to))
}

// Open opens a copy that nobody writes, to look at it: it changes no byte and
// makes no file beside it. It answers to whoever reads a log (translog.Reader).
func Open(path string) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	q := url.Values{"mode": {"ro"}, "immutable": {"1"}, "_pragma": {"foreign_keys(1)"}}
	c, err := sqlite.NewConnector((&url.URL{Scheme: "file", Path: abs, RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(c), nil
}

// Check returns nil if SQLite finds nothing wrong with a copy: every page and
// index is whole, and nothing refers to what is not there.
func Check(ctx context.Context, db *sql.DB) error {
	var said string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&said); err != nil {
		return fmt.Errorf("the control store is damaged: %w", err)
	}
	if said != "ok" {
		return fmt.Errorf("the control store is damaged: %s", said)
	}
	var broken int
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM pragma_foreign_key_check").Scan(&broken); err != nil {
		return fmt.Errorf("the control store is damaged: %w", err)
	}
	if broken > 0 {
		return fmt.Errorf("the control store is damaged: %d of its rows refer to rows that are not there", broken)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return d.Sync()
}

// Digest returns a digest of all that a copy holds: its schema and every row of every
// table. Two copies with the same one are the same store.
func Digest(ctx context.Context, db *sql.DB) (string, error) {
	sum := sha256.New()
	if err := digestRows(ctx, db, sum, `SELECT type, name, coalesce(sql, '') FROM sqlite_schema ORDER BY type, name`); err != nil {
		return "", err
	}
	var tables string
	err := db.QueryRowContext(ctx, `SELECT json_group_array(name) FROM (SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name)`).Scan(&tables)
	if err != nil {
		return "", err
	}
	var names []string
	if err := json.Unmarshal([]byte(tables), &names); err != nil {
		return "", err
	}
	for _, name := range names {
		// Whatever columns it has: what is left out would not be compared.
		if err := digestRows(ctx, db, sum, `SELECT * FROM "`+strings.ReplaceAll(name, `"`, `""`)+`"`); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// digestRows adds rows to a digest.
func digestRows(ctx context.Context, db *sql.DB, sum hash.Hash, query string) error {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for _, v := range values {
			fmt.Fprintf(sum, "%T %q\n", v, fmt.Sprint(v))
		}
	}
	return rows.Err()
}
