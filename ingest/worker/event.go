package worker

import (
	"github.com/noised/noised/ingest/build"
	"github.com/noised/noised/ingest/sandbox"
	"github.com/noised/noised/privacy"
)

// Order is what a worker is told on its standard input.
type Order struct {
	build.Spec

	// RequireSandbox says to read nothing where the worker cannot be shut off.
	RequireSandbox bool `json:"require_sandbox,omitempty"`
}

// Event is one line of a worker's output: exactly one field is set.
type Event struct {
	Sandbox  *sandbox.Report `json:"sandbox,omitempty"` // the first: what shuts the worker off
	Progress *Progress       `json:"progress,omitempty"`
	Result   *Result         `json:"result,omitempty"`
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
