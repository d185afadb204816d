package lineage

import (
	"time"

	"github.com/noised/noised/privacy/controldb"
)

// MaxLoads and MaxReleases are how many of each one answer names.
const (
	MaxLoads    = 20_000
	MaxReleases = 20_000
)

// Release is where a release comes from.
type Release struct {
	ID             string
	Dataset        string
	Version        int // of the contract
	Epsilon, Delta float64
	At             time.Time // when it was paid for
	Inputs         []Input   // by tenant and table
	Loads          []Load    // that the viewer may know, by tenant, table and order of arrival
	// Complete is false of releases from before lineage was recorded: what they
	// read was derived, and may name more than they did read.
	Complete bool
	More     bool // there are more loads than one answer names
}

// Input is one table of one tenant that a release read.
type Input struct {
	Tenant     string // empty for public tables
	Table      string // empty in a dataset of one table
	Generation string // empty for a tenant that had loaded nothing; then Table is, too
	Version    int    // of the contract that the generation was loaded under
	Loads      []string
}

// Load is a load as lineage knows it.
type Load struct {
	ID         string
	Tenant     string // who owns the file; empty for a public table
	Dataset    string
	Table      string
	Write      string // append or replace
	Format     string
	By         string    // the principal that uploaded it
	At         time.Time // when it had arrived, in full seconds
	Generation string    // that it published; empty for none
	Own        *Own      // nil for everybody but the owner
}

// Own is what the owner of a load may know of it and nobody else, since it tells
// of rows.
type Own struct {
	LoadID       string // the contributor's
	SHA256       string // of the upload
	Bytes        int64  // of the upload
	RowsRead     int64
	RowsLoaded   int64
	RowsRejected int64
}

// Fed is where a load went.
type Fed struct {
	Load     Load
	Releases []Use // in the order of their charges
	Complete bool  // as in Release
	More     bool  // there are more releases than one answer names
}

// Use is a release that read rows of a load.
type Use struct {
	Release    string
	Version    int       // of the contract
	At         time.Time // when it was paid for
	Generation string    // of the load's tenant, that the release read
}

// Store finds lineage in the control store. It is safe for concurrent use.
type Store struct{ db *controldb.DB }

// New returns a Store on db.
func New(db *controldb.DB) *Store { return &Store{db: db} }
