package job

import (
	"log/slog"
	"time"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/residency"
	"github.com/noised/noised/ingest/child"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/containment"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/keyring"
)

// State is where a load stands.
type State string

// The states of a load.
const (
	StatePending   State = "pending"
	StateRunning   State = "running"
	StateSucceeded State = "succeeded"
	StateFailed    State = "failed"
	StateCancelled State = "cancelled"
)

// Finished reports whether the state is final.
func (s State) Finished() bool {
	return s == StateSucceeded || s == StateFailed || s == StateCancelled
}

// Write says what a load does to the rows that are there.
type Write string

// The ways to write.
const (
	WriteAppend  Write = "append"  // adds to them
	WriteReplace Write = "replace" // takes their place
)

// MaxAttempts is the number of times that a load is started before it fails,
// when the server goes down under it.
const MaxAttempts = 3

// MergeAt is the number of loads at which the last one merges the segments of a
// table into one and ranks all rows anew.
const MergeAt = 16

// SupersededFor is how long a replaced segment file stays for queries that
// began before it was replaced, unless Options say otherwise.
const SupersededFor = time.Hour

// DefaultMaxUpload is the largest upload in bytes when Options name none.
const DefaultMaxUpload = int64(16) << 30

// Options configure a Service.
type Options struct {
	DB      *controldb.DB
	Catalog *catalog.Catalog
	Keys    *keyring.Ring // of what is encrypted; nothing is when nil
	// CryptoExtension is the file of DuckDB's extension that encrypts segments; without
	// it new ones are plain.
	CryptoExtension string
	Workers         *child.Runner         // carries out what reads and writes data files
	Dir             string                // the data directory
	MaxUpload       int64                 // bytes; 0 for DefaultMaxUpload
	Concurrency     int                   // loads that run at once; 0 for 1
	KeepReplaced    time.Duration         // how long files of replaced data stay; 0 for SupersededFor
	CompactAfter    time.Duration         // how long data rests before the segments of a table are merged; 0 for a minute, negative for never
	Regions         residency.Regions     // whose tenants' rows may be here; all for the zero value
	Quotas          Quotas                // what tenants may use; everything when nil
	Removed         func(paths ...string) // told which files of replaced data are gone; nil for nobody
	Containment     *containment.Service  // what is suspended; one of the store's own, which hears of others' acts when it is next asked, when nil
	Log             *slog.Logger          // nil for none
	Now             func() time.Time
}

// Request describes an upload.
type Request struct {
	Dataset, Tenant string // no tenant: the operator's load of a public table
	Table           string // required in a dataset of several tables, and empty otherwise
	LoadID          string // the contributor's; empty for none
	Write           Write  // empty for WriteAppend
	Format          string // csv, parquet, ndjson or arrow
	Encoding        string // empty, gzip or zstd
	// MaxBadRecords is the number of bad rows that do not fail the load; they
	// are left out and listed. Nil is 0: a bad row fails the load.
	MaxBadRecords *int64
	DryRun        bool  // do everything but publish
	Length        int64 // of the upload as it was announced; 0 or less where it was not
	By            privacy.Principal
}

// Load is a load job as its contributors see it.
type Load struct {
	ID             string     `json:"id"`
	LoadID         string     `json:"load_id"`
	Table          string     `json:"table,omitempty"` // empty in a dataset of one table
	DryRun         bool       `json:"dry_run"`
	IgnoredColumns []string   `json:"ignored_columns"`
	Tenant         string     `json:"tenant"` // empty for a public table
	Dataset        string     `json:"dataset"`
	State          State      `json:"state"`
	Write          Write      `json:"write"`
	Format         string     `json:"format"`
	Bytes          int64      `json:"bytes"`
	RowsRead       int64      `json:"rows_read"`
	RowsLoaded     int64      `json:"rows_loaded"`
	RowsRejected   int64      `json:"rows_rejected"`
	Generation     string     `json:"generation,omitempty"` // empty until it succeeded, and for dry runs
	Error          *Failure   `json:"error,omitempty"`
	CreatedAt      time.Time  `json:"created_at"`
	FinishedAt     *time.Time `json:"finished_at,omitempty"`

	// Existing is set by Create when the load was there before: the same
	// load_id with the same upload.
	Existing bool `json:"-"`
}

// Failure is why a load failed. The message is for its contributors; it names
// lines and columns, and holds no value.
type Failure struct {
	Code    privacy.Code `json:"code"`
	Message string       `json:"message"`
}
