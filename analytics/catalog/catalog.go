package catalog

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"

	"github.com/noised/noised/analytics/catalog/internal/recent"
	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/contractparse"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/keyring"
	"github.com/noised/noised/privacy/translog"
)

// Catalog is the catalog in a control store. It is safe for concurrent use.
type Catalog struct {
	db        *controldb.DB
	now       func() time.Time
	contracts sync.Map // versionKey → *contract.Contract
	heads     *recent.Cache[known]
	members   *recent.Cache[Dataset]
	keys      *keyring.Ring // nil: secrets are stored plain
}

type versionKey struct {
	dataset string
	version int
}

// New returns the catalog that lives in db.
func New(db *controldb.DB, now func() time.Time) *Catalog {
	return &Catalog{db: db, now: now, heads: recent.New[known](maxKept), members: recent.New[Dataset](maxKept)}
}

// WithKeys has secrets sealed, and opens those that are.
func (c *Catalog) WithKeys(keys *keyring.Ring) *Catalog { c.keys = keys; return c }

// reader is what both the store and a transaction read through.
type reader interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Contract returns one version of a dataset's contract, CodeUnknownDataset when
// the dataset does not exist and CodeNotFound when it has no such version.
func (c *Catalog) Contract(ctx context.Context, dataset string, version int) (*contract.Contract, error) {
	return c.contractIn(ctx, c.db, dataset, version)
}

func (c *Catalog) contractIn(ctx context.Context, r reader, dataset string, version int) (*contract.Contract, error) {
	key := versionKey{dataset, version}
	if parsed, ok := c.contracts.Load(key); ok {
		return parsed.(*contract.Contract), nil
	}
	doc, err := document(ctx, r, dataset, version)
	if err != nil {
		return nil, err
	}
	parsed, err := contractparse.Parse(doc)
	if err != nil {
		return nil, privacy.Internal(err, "a stored contract cannot be read")
	}
	c.contracts.Store(key, parsed)
	return parsed, nil
}

// Document returns a contract as it was sent.
func (c *Catalog) Document(ctx context.Context, dataset string, version int) ([]byte, error) {
	return document(ctx, c.db, dataset, version)
}

func document(ctx context.Context, r reader, dataset string, version int) ([]byte, error) {
	var doc []byte
	err := r.QueryRowContext(ctx, `SELECT document FROM dataset_versions WHERE dataset = ? AND version = ?`, dataset, version).Scan(&doc)
	if err == nil {
		return doc, nil
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return nil, privacy.Internal(err, "reading a contract")
	}
	if _, err := latestVersion(ctx, r, dataset); err != nil {
		return nil, err
	}
	return nil, privacy.Errorf(privacy.CodeNotFound, "dataset %q has no version %d", dataset, version)
}

// latestVersion returns the number of a dataset's latest contract. A dataset that was
// deleted is not there.
func latestVersion(ctx context.Context, r reader, dataset string) (int, error) {
	var latest sql.NullInt64
	err := r.QueryRowContext(ctx, `SELECT max(version) FROM dataset_versions WHERE dataset = ?1
		AND NOT EXISTS (SELECT 1 FROM deleted_datasets WHERE dataset = ?1)`, dataset).Scan(&latest)
	if err != nil {
		return 0, privacy.Internal(err, "reading a dataset")
	}
	if !latest.Valid {
		return 0, unknownDataset(dataset)
	}
	return int(latest.Int64), nil
}

func unknownDataset(name string) error {
	return privacy.Errorf(privacy.CodeUnknownDataset, "there is no dataset %q", clip(name))
}

func unknownTenant(name string) error {
	return privacy.Errorf(privacy.CodeNotFound, "there is no tenant %q", clip(name))
}

// clip shortens a caller's own word for a message.
func clip(s string) string {
	if len(s) > 100 {
		return s[:100] + "…"
	}
	return s
}

// act is the body of a log leaf: what was done to what, by whom. Empty fields
// are left out.
type act struct {
	Act           string `json:"act"`
	By            string `json:"by,omitempty"`
	Tenant        string `json:"tenant,omitempty"`
	Region        string `json:"region,omitempty"`
	Dataset       string `json:"dataset,omitempty"`
	Version       int    `json:"version,omitempty"`
	Generation    string `json:"generation,omitempty"`
	Load          string `json:"load,omitempty"`
	FormatVersion int    `json:"format_version,omitempty"`
}

func (c *Catalog) log(ctx context.Context, tx *sql.Tx, kind string, body act) error {
	_, err := translog.Append(ctx, tx, translog.Leaf{Kind: kind, At: c.now(), Body: body})
	return err
}

// exec runs a statement and returns how many rows it affected.
func exec(ctx context.Context, tx *sql.Tx, doing, query string, args ...any) (int64, error) {
	res, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, privacy.Internal(err, doing)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, privacy.Internal(err, doing)
	}
	return n, nil
}
