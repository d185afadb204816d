// Package child runs load workers: it starts `noised worker` as a process of its own,
// hands it one order, listens to what it says, and ends it when it takes more time or
// memory than it was granted.
//
// # What is believed
//
// A worker reads files that may mean harm, and one of them may take it over. So
// nothing that a worker says or leaves decides more than the fate of its own order:
// why it died is told by the kernel and not by its last words, which may hold rows and
// are kept nowhere; of its refusals a few codes are taken, cut to a length; and what it
// leaves under the names of its results must be files of its own, no links, since the
// server would follow these (see [Runner.Run]).
//
// # How it ends
//
// With its order, or with its server: the pipe to its standard input stays open as
// long as the server lives, and a worker that sees its end stops.
package child

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/noised/noised/ingest/sandbox"
)

// DefaultTimeout is the longest time that one order takes.
const DefaultTimeout = 6 * time.Hour

// DefaultMemoryMB keeps a worker within one gigabyte of resident memory.
const DefaultMemoryMB = 900

// Options configure a Runner.
type Options struct {
	Command  []string      // the command line of the worker, e.g. {exe, "worker"}
	MemoryMB int           // that an order is granted; 0 for DefaultMemoryMB
	Timeout  time.Duration // of one order; 0 for DefaultTimeout
	// RequireSandbox refuses to read uploads where a process cannot be shut off.
	RequireSandbox bool
	Log            *slog.Logger
}

// Runner runs workers. It is safe for concurrent use.
type Runner struct {
	o         Options
	unguarded sync.Once // says that workers run without all of their sandbox
}

// New returns a runner, or says why there can be none: no command, or no sandbox
// where one is required.
func New(o Options) (*Runner, error) {
	if len(o.Command) == 0 {
		return nil, errors.New("no command for load workers")
	}
	if o.MemoryMB <= 0 {
		o.MemoryMB = DefaultMemoryMB
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	r, can := &Runner{o: o}, sandbox.Supported()
	if o.RequireSandbox && !can.Whole() {
		return nil, fmt.Errorf("a sandbox is required for load workers, and here %s", can.Missing())
	}
	r.sandboxed(can)
	return r, nil
}

// MemoryMB is what an order is granted: its spec asks for as much.
func (r *Runner) MemoryMB() int { return r.o.MemoryMB }

// sandboxed notes, once, that workers run with less around them than they should.
func (r *Runner) sandboxed(can sandbox.Report) {
	if !can.Whole() {
		r.unguarded.Do(func() {
			r.o.Log.Warn("load workers run without all of their sandbox; --require-sandbox refuses that", "missing", can.Missing())
		})
	}
}
