package template

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/translog"
)

// Version is one version of a template. Withdrawn is the version that ends one:
// it has no SQL and is not asked.
type Version struct {
	Dataset   string
	Name      string
	Number    int
	Template  Template
	Withdrawn bool
	CreatedAt time.Time
	CreatedBy string
}

// Reader is what both the store and a transaction read through.
type Reader interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// MaxTemplates is how many templates of one dataset there may be.
const MaxTemplates = 1000

const columns = `dataset, name, version, document, created_at, created_by`

func scan(row interface{ Scan(...any) error }) (v Version, err error) {
	var document string
	var at int64
	if err := row.Scan(&v.Dataset, &v.Name, &v.Number, &document, &at, &v.CreatedBy); err != nil {
		return v, err
	}
	v.CreatedAt = time.UnixMicro(at).UTC()
	v.Withdrawn = document == ""
	if !v.Withdrawn {
		err = json.Unmarshal([]byte(document), &v.Template)
	}
	return v, err
}

// Latest returns the version of a template that is asked; CodeNotFound where
// there is none, or it was withdrawn.
func Latest(ctx context.Context, r Reader, dataset, name string) (Version, error) {
	v, err := scan(r.QueryRowContext(ctx, `SELECT `+columns+` FROM template_versions WHERE dataset = ? AND name = ? ORDER BY version DESC LIMIT 1`, dataset, name))
	if errors.Is(err, sql.ErrNoRows) || err == nil && v.Withdrawn {
		return Version{}, privacy.Errorf(privacy.CodeNotFound, "the dataset has no such template")
	}
	if err != nil {
		return Version{}, privacy.Internal(err, "reading a template")
	}
	return v, nil
}

// List returns the templates of a dataset that may be asked, by name.
func List(ctx context.Context, r Reader, dataset string) ([]Version, error) {
	rows, err := r.QueryContext(ctx, `SELECT `+columns+` FROM template_versions t WHERE dataset = ? AND document <> ''
		AND version = (SELECT max(version) FROM template_versions m WHERE m.dataset = t.dataset AND m.name = t.name) ORDER BY name LIMIT ?`, dataset, MaxTemplates)
	if err != nil {
		return nil, privacy.Internal(err, "listing templates")
	}
	defer func() { _ = rows.Close() }()
	all := []Version{}
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, privacy.Internal(err, "listing templates")
		}
		all = append(all, v)
	}
	if err := rows.Err(); err != nil {
		return nil, privacy.Internal(err, "listing templates")
	}
	return all, nil
}

// fits refuses one more template than are listed: what may be asked without being
// listed would be known to nobody who has to agree.
func fits(ctx context.Context, tx *sql.Tx, dataset, name string) error {
	var others int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM template_versions t WHERE dataset = ? AND name <> ? AND document <> ''
		AND version = (SELECT max(version) FROM template_versions m WHERE m.dataset = t.dataset AND m.name = t.name)`, dataset, name).Scan(&others)
	if err != nil {
		return privacy.Internal(err, "counting templates")
	}
	if others >= MaxTemplates {
		return privacy.Errorf(privacy.CodeConflict, "dataset %q has %d templates, as many as it may: withdraw some", dataset, others)
	}
	return nil
}

// PutIn adds a version in the caller's transaction; nil withdraws the template.
// CodeConflict where the dataset has MaxTemplates others.
func PutIn(ctx context.Context, tx *sql.Tx, dataset, name string, t *Template, by privacy.Principal, now time.Time) error {
	document, act := "", "withdraw"
	if t != nil {
		text, err := json.Marshal(t)
		if err != nil {
			return privacy.Internal(err, "write a template")
		}
		document, act = string(text), "put"
		if err := fits(ctx, tx, dataset, name); err != nil {
			return err
		}
	}
	var version int
	err := tx.QueryRowContext(ctx, `INSERT INTO template_versions (dataset, name, version, document, created_at, created_by)
		SELECT ?1, ?2, coalesce(max(version), 0) + 1, ?3, ?4, ?5 FROM template_versions WHERE dataset = ?1 AND name = ?2 RETURNING version`,
		dataset, name, document, now.UnixMicro(), by.ID).Scan(&version)
	if err != nil {
		return privacy.Internal(err, "keep a template")
	}
	_, err = translog.Append(ctx, tx, translog.Leaf{Kind: translog.KindTemplate, At: now, Body: struct {
		Act     string `json:"act"`
		Dataset string `json:"dataset"`
		Name    string `json:"name"`
		Version int    `json:"version"`
		By      string `json:"by"`
	}{act, dataset, name, version, by.ID}})
	return err
}

// WithdrawIn withdraws every template of a dataset that may be asked, in the caller's
// transaction.
func WithdrawIn(ctx context.Context, tx *sql.Tx, dataset string, by privacy.Principal, now time.Time) error {
	all, err := List(ctx, tx, dataset)
	if err != nil {
		return err
	}
	for _, v := range all {
		if err := PutIn(ctx, tx, dataset, v.Name, nil, by, now); err != nil {
			return err
		}
	}
	return nil
}
