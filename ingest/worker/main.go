package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/privacy"
)

// progressEvery is the pause between two progress lines.
const progressEvery = 500 * time.Millisecond

// The exit codes of a worker that wrote no result.
const (
	ExitCrash  = 2 // of the Go runtime, which a damaged file can bring about
	ExitNoSpec = 3
)

// Main is the whole of the worker process. It reads one Spec from stdin, does
// what it says, and writes events to stdout. It returns the exit code: 0 when
// a result was written, whatever it says, and ExitNoSpec when there was no
// valid spec. It stops early when ctx or stdin ends.
func Main(ctx context.Context, stdin io.Reader, stdout io.Writer) int {
	var spec Spec
	in := json.NewDecoder(stdin)
	if err := in.Decode(&spec); err != nil {
		return ExitNoSpec
	}
	limitProcess()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		// Nothing more is ever sent: this read returns when the server has
		// closed the pipe or died.
		_, _ = io.Copy(io.Discard, stdin)
		cancel()
	}()
	out := &events{w: json.NewEncoder(stdout)}
	result := Run(ctx, spec, func(p Progress) { out.send(Event{Progress: &p}) })
	out.send(Event{Result: &result})
	return 0
}

// events serialises lines of output.
type events struct {
	mu sync.Mutex
	w  *json.Encoder
}

func (e *events) send(ev Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	_ = e.w.Encode(ev) // nobody to tell when the server is gone
}

// Run does what spec says in this process. Panics become a failed result; a
// crash of native code does not come back, which is why there is Main.
func Run(ctx context.Context, spec Spec, progress func(Progress)) (result Result) {
	defer func() {
		if p := recover(); p != nil {
			result.Error = &Failure{Code: privacy.CodeLoadRejected, Message: "the file could not be read: it is damaged, or of a kind that is not supported"}
			result.Trace = fmt.Sprintf("panic (%T) in %s", p, frames())
		}
	}()
	if err := spec.check(); err != nil {
		return failed(result, privacy.Internal(err, "worker spec"))
	}
	j := &task{spec: spec}
	stop := j.reportTo(progress)
	defer stop()
	var err error
	if spec.Task == TaskMerge {
		err = j.merge(ctx)
	} else {
		err = j.load(ctx)
	}
	return failed(j.result, err)
}

// task is one run of a spec.
type task struct {
	spec   Spec
	result Result
	seen   atomic.Int64 // rows that passed the pseudonym function

	rejects   []listed // at most MaxRejects of a kind
	malformed int64    // records without the form of their format
	owned     int64    // good rows, once for each unit that they belong to
	excess    int64    // of those, the ones beyond what their unit may have
}

// reportTo sends progress now and then until the returned function is called.
func (t *task) reportTo(progress func(Progress)) (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				progress(Progress{RowsRead: t.seen.Load()})
			}
		}
	})
	return func() { close(done); wg.Wait() }
}

func (s Spec) check() error {
	load, private := s.Task == TaskLoad, !s.Meta.Public
	switch {
	case !filepath.IsAbs(s.Dir):
		return errors.New("no directory")
	case s.Task != TaskLoad && s.Task != TaskMerge:
		return errors.New("no task")
	case private && len(s.Salt) != 16:
		return errors.New("no salt")
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

// hasUnitIDs reports whether the Unit column of an upload holds unit ids, and
// not a parent's keys.
func (s Spec) hasUnitIDs() bool { return s.Parent == nil || s.Parent.Key == "" }

// stored is the position of a column among those to store, or −1.
func (s Spec) stored(name string) int {
	return slices.IndexFunc(s.Columns, func(c segment.Column) bool { return c.Name == name })
}

// failed adds an error to a result. Causes stay here: a cause may quote rows.
func failed(r Result, err error) Result {
	if err == nil {
		return r
	}
	e := privacy.AsError(err)
	r.RowsLoaded, r.RowsStored = 0, 0
	r.Error = &Failure{Code: e.Code, Message: e.Message}
	if e.Code == privacy.CodeInternal && r.Trace == "" {
		r.Trace = traceOf(err)
	}
	return r
}

// frames returns the names of the functions on the panicking stack.
func frames() string {
	pc := make([]uintptr, 24)
	stack := runtime.CallersFrames(pc[:runtime.Callers(3, pc)])
	var names []string
	for {
		f, more := stack.Next()
		names = append(names, fmt.Sprintf("%s:%d", filepath.Base(f.Function), f.Line))
		if !more {
			return strings.Join(names, " < ")
		}
	}
}
