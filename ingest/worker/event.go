package worker

import (
	"github.com/noised/noised/ingest/build"
	"github.com/noised/noised/privacy"
)

// Event is one line of a worker's output: exactly one field is set.
type Event struct {
	Progress *Progress `json:"progress,omitempty"`
	Result   *Result   `json:"result,omitempty"`
}

// Progress says how far a load has come.
type Progress struct {
	RowsRead int64 `json:"rows_read"`
}

// Result is a worker's last word. A load that failed has loaded nothing.
type Result struct {
	build.Counts

	Error *Failure `json:"error,omitempty"`
	Trace string   `json:"trace,omitempty"` // where a fault of ours happened; for the log, without values
}

// Failure is why a task failed. The message is for the contributor; it names
// columns and lines, never a value.
type Failure struct {
	Code    privacy.Code `json:"code"`
	Message string       `json:"message"`
}
