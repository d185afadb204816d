package worker

import (
	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/privacy"
)

// MaxUnitRows is the number of rows of one unit that one segment holds. The
// bound keeps a unit's sums within 64 bits, whatever is loaded.
const MaxUnitRows = int64(1) << 20

// MaxRejects is the number of rejected rows that a reject file lists. The
// counters always count all of them.
const MaxRejects = 50_000

// The names of the files that a worker leaves in its directory.
const (
	SegmentFile = "segment.duckdb"
	RejectsFile = "rejects.ndjson"
)

// Task says what a worker is to do.
type Task string

// The tasks.
const (
	TaskLoad  Task = "load"  // an upload becomes a segment
	TaskMerge Task = "merge" // segments become one
)

// Format is the format of an upload.
type Format string

// Encoding is the compression of an upload.
type Encoding string

// The formats and encodings of uploads.
const (
	FormatCSV     Format = "csv"
	FormatParquet Format = "parquet"
	FormatNDJSON  Format = "ndjson"
	FormatArrow   Format = "arrow"

	EncodingNone Encoding = ""
	EncodingGzip Encoding = "gzip"
	EncodingZstd Encoding = "zstd"
)

// Spec is a worker's order. Paths are absolute.
type Spec struct {
	Task     Task             `json:"task"`
	Dir      string           `json:"dir"` // the worker's own, empty
	Meta     segment.Meta     `json:"meta"`
	Columns  []segment.Column `json:"columns"`  // to store, in the contract's order, without unit ids
	MaxRows  int64            `json:"max_rows"` // the contract's bound on a unit's rows; 0 when it has none
	Salt     []byte           `json:"salt"`     // 16 bytes; chooses which rows of a unit MaxRows keeps
	MemoryMB int              `json:"memory_mb"`
	Threads  int              `json:"threads"`

	// Of a load.
	Input         string         `json:"input,omitempty"`
	Format        Format         `json:"format,omitempty"`
	Encoding      Encoding       `json:"encoding,omitempty"`
	Unit          segment.Column `json:"unit"`             // holds unit ids, or the Parent's keys; none of a public table
	Parent        *Parent        `json:"parent,omitempty"` // nil: the unit column is the table's own
	Key           []byte         `json:"key,omitempty"`    // of the pseudonyms, where the file has unit ids
	MaxBadRecords int64          `json:"max_bad_records"`
	MaxBytes      int64          `json:"max_bytes"` // of the upload once decompressed

	// Of a merge.
	Segments []string `json:"segments,omitempty"`
}

// Parent is the table through which rows reach their unit: a row belongs to
// every unit whose rows there have its key.
type Parent struct {
	Table    string   `json:"table"`         // for messages
	Key      string   `json:"key,omitempty"` // its column; empty: the key is the unit's id
	Segments []string `json:"segments"`      // its current rows, of the same tenant
}

// Event is one line of a worker's output: exactly one field is set.
type Event struct {
	Progress *Progress `json:"progress,omitempty"`
	Result   *Result   `json:"result,omitempty"`
}

// Progress says how far a load has come.
type Progress struct {
	RowsRead int64 `json:"rows_read"`
}

// Result is a worker's last word. Of a load that succeeded, RowsRead =
// RowsLoaded + RowsRejected; one that failed has loaded nothing. RowsStored
// differs from RowsLoaded where a row belongs to several units, each of which
// has a copy.
type Result struct {
	RowsStored   int64    `json:"rows_stored"`
	RowsRead     int64    `json:"rows_read"`
	RowsLoaded   int64    `json:"rows_loaded"`
	RowsRejected int64    `json:"rows_rejected"`
	Ignored      []string `json:"ignored_columns,omitempty"` // of the file, not in the contract
	Error        *Failure `json:"error,omitempty"`
	Trace        string   `json:"trace,omitempty"` // where a fault of ours happened; for the log, without values
}

// Failure is why a task failed. The message is for the contributor; it names
// columns and lines, never a value.
type Failure struct {
	Code    privacy.Code `json:"code"`
	Message string       `json:"message"`
}

// Reject is one line of the reject file.
type Reject struct {
	Line   int64  `json:"line,omitempty"` // CSV, NDJSON: of the file, from 1; Parquet, Arrow: number of the row; 0 unknown
	Column string `json:"column,omitempty"`
	Reason string `json:"reason"`
	Value  string `json:"value,omitempty"` // at most 100 characters of it
}
