package build

import (
	"errors"
	"path/filepath"
	"slices"

	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/ingest/upload"
	"github.com/noised/noised/privacy/keyring"
)

// MaxUnitRows is the number of rows of one unit that a table holds where its
// segments have ranks, and that one segment holds where they have none. The bound
// keeps a unit's sums within 64 bits, whatever is loaded.
const MaxUnitRows = int64(1) << 20

// MaxRejects is the number of rejected rows that a reject file lists. The
// counters always count all of them.
const MaxRejects = 50_000

// The names of the files that are left in the directory of a spec.
const (
	SegmentFile = "segment.duckdb"
	RejectsFile = "rejects.ndjson"
)

// Task says what is to be done.
type Task string

// The tasks.
const (
	TaskLoad  Task = "load"  // an upload becomes a segment
	TaskMerge Task = "merge" // segments become one
	TaskErase Task = "erase" // a segment is copied without the rows of some units
	TaskName  Task = "name"  // unit ids become pseudonyms, and nothing is written
)

// Spec is an order to write a segment. Paths are absolute.
type Spec struct {
	Task     Task             `json:"task"`
	Dir      string           `json:"dir"` // for this order only, empty
	Meta     segment.Meta     `json:"meta"`
	Columns  []segment.Column `json:"columns"`  // to store, in the contract's order, without unit ids
	MaxRows  int64            `json:"max_rows"` // the contract's bound on a unit's rows; 0 when it has none
	Salt     []byte           `json:"salt"`     // 16 bytes; chooses which rows of a unit MaxRows keeps
	MemoryMB int              `json:"memory_mb"`
	Threads  int              `json:"threads"`
	// Encryption has the keys of the segments that are read and of the one that is written.
	Encryption segment.Encryption `json:"encryption"`
	// Earlier are the segments of the same tenant and table, all with the ranks of
	// Meta, that the ranks and the bounds on a unit's rows go on from.
	Earlier []string `json:"earlier,omitempty"`

	// Of a load.
	Input         string          `json:"input,omitempty"`
	Format        upload.Format   `json:"format,omitempty"`
	Encoding      upload.Encoding `json:"encoding,omitempty"`
	Unit          segment.Column  `json:"unit"`             // holds unit ids, or the Parent's keys; none of a public table
	Parent        *Parent         `json:"parent,omitempty"` // nil: the unit column is the table's own
	Key           []byte          `json:"key,omitempty"`    // of the pseudonyms, where the file has unit ids
	MaxBadRecords int64           `json:"max_bad_records"`
	MaxBytes      int64           `json:"max_bytes"` // of the upload once decompressed
	Sealed        *Sealed         `json:"sealed,omitempty"`

	// Of a merge.
	Segments []string `json:"segments,omitempty"`
	// Keep says that the segments, in their order, have the ranks of Meta, each
	// going on from those before, and that every row keeps its own.
	Keep bool `json:"keep,omitempty"`

	// Of an erasure: the pseudonyms whose rows are left out of the one of Segments.
	Without []uint64 `json:"without,omitempty"`
	// Of naming: ids as their sender wrote them. Key and Unit say how they are read.
	Units []string `json:"units,omitempty"`
}

// Parent is the table through which rows reach their unit: a row belongs to
// every unit whose rows there have its key.
type Parent struct {
	Table    string   `json:"table"`         // for messages
	Key      string   `json:"key,omitempty"` // its column; empty: the key is the unit's id
	Segments []string `json:"segments"`      // its current rows, of the same tenant
}

// Sealed has the keys of the upload and of the reject file. With it no file that has a
// name holds a row of the upload in clear. It comes over a pipe and goes nowhere else.
type Sealed struct {
	Upload  keyring.FileKey `json:"upload"`
	Rejects keyring.FileKey `json:"rejects"`
}

// Counts say what became of the rows. Of a load that succeeded, RowsRead =
// RowsLoaded + RowsRejected. RowsStored differs from RowsLoaded where a row
// belongs to several units, each of which has a copy.
type Counts struct {
	RowsStored   int64    `json:"rows_stored"`
	RowsRead     int64    `json:"rows_read"`
	RowsLoaded   int64    `json:"rows_loaded"`
	RowsRejected int64    `json:"rows_rejected"`
	Ignored      []string `json:"ignored_columns,omitempty"` // of the file, not in the contract

	// Of naming: the pseudonyms, and the places, from 1, of what can be no unit's id.
	Units   []uint64 `json:"units,omitempty"`
	NoUnits []int64  `json:"no_units,omitempty"`
}

// Reject is one line of the reject file.
type Reject struct {
	Line   int64  `json:"line,omitempty"` // CSV, NDJSON: of the file, from 1; Parquet, Arrow: number of the row; 0 unknown
	Column string `json:"column,omitempty"`
	Reason string `json:"reason"`
	Value  string `json:"value,omitempty"` // at most 100 characters of it
}

func (s Spec) check() error {
	load, private := s.Task == TaskLoad, !s.Meta.Public
	switch {
	case !filepath.IsAbs(s.Dir):
		return errors.New("no directory")
	case s.Task == TaskErase || s.Task == TaskName:
		return s.checkErasing()
	case s.Task != TaskLoad && s.Task != TaskMerge:
		return errors.New("no task")
	case private && len(s.Salt) != 16:
		return errors.New("no salt")
	case s.Meta.Ranks == nil && (len(s.Earlier) > 0 || s.Keep):
		return errors.New("no ranks to go on from")
	case load && s.Input == "":
		return errors.New("no input")
	case load && private && s.Unit.Name == "":
		return errors.New("no unit")
	case load && private && s.hasUnitIDs() && len(s.Key) == 0:
		return errors.New("no key")
	case load && private && !s.hasUnitIDs() && s.stored(s.Unit.Name) < 0:
		return errors.New("the foreign key is not stored")
	}
	return nil
}

func (s Spec) checkErasing() error {
	switch {
	case s.Meta.Public:
		return errors.New("rows of nobody")
	case s.Task == TaskErase && len(s.Segments) != 1:
		return errors.New("not one segment")
	case s.Task == TaskName && (len(s.Key) == 0 || s.Unit.Name == ""):
		return errors.New("no key")
	}
	return nil
}

// hasUnitIDs reports whether the Unit column of an upload holds unit ids, and
// not a parent's keys.
func (s Spec) hasUnitIDs() bool { return s.Parent == nil || s.Parent.Key == "" }

// stored is the position of a column among those to store, or −1.
func (s Spec) stored(name string) int {
	return slices.IndexFunc(s.Columns, func(c segment.Column) bool { return c.Name == name })
}
