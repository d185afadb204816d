package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/noised/noised/ingest/build"
	"github.com/noised/noised/ingest/duck"
	"github.com/noised/noised/ingest/sandbox"
	"github.com/noised/noised/privacy"
)

// progressEvery is the pause between two progress lines.
const progressEvery = 500 * time.Millisecond

// The exit codes of a worker that wrote no result.
const (
	ExitCrash   = 2 // of the Go runtime, which a damaged file can bring about
	ExitNoSpec  = 3
	ExitStopped = 4 // it was told to stop, and did not
)

// stopWithin is how long a worker has to stop once its server is gone: native code
// that goes round in circles does not notice by itself.
const stopWithin = 5 * time.Second

// Main is the whole of the worker process. It reads one Order from stdin, shuts
// itself off from all that it has no need of, does what the order says, and writes
// events to stdout. It returns the exit code: 0 when a result was written, whatever
// it says, and ExitNoSpec when there was no valid order. It stops early when ctx or
// stdin ends. Nobody can use the process for anything else afterwards.
func Main(ctx context.Context, stdin io.Reader, stdout io.Writer) int {
	var order Order
	in := json.NewDecoder(stdin)
	if err := in.Decode(&order); err != nil {
		return ExitNoSpec
	}
	out := &events{w: json.NewEncoder(stdout)}
	full := make(chan os.Signal, 1)
	signal.Notify(full, unix.SIGXFSZ)
	go func() {
		<-full
		out.send(Event{Result: &Result{Error: errScratch}})
		unix.Exit(0)
	}()
	limitProcess()
	// Of the order, this reads one file, which the server has checked.
	if err := duck.Preload(ctx, order.Encryption); err != nil {
		out.send(Event{Result: &Result{Error: &Failure{Code: privacy.CodeInternal, Message: "internal error"}, Trace: "the extension that encrypts cannot be loaded"}})
		return 0
	}
	report, err := sandbox.Enter(confines(order))
	if err != nil {
		out.send(Event{Result: notEntered(err)})
		return 0
	}
	out.send(Event{Sandbox: &report})
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		// Nothing more is ever sent: this read returns when the server has
		// closed the pipe or died.
		_, _ = io.Copy(io.Discard, stdin)
		cancel()
		<-time.After(stopWithin)
		unix.Exit(ExitStopped)
	}()
	result := Run(ctx, order.Spec, func(p Progress) { out.send(Event{Progress: &p}) })
	out.send(Event{Result: &result})
	return 0
}

// errScratch is the end of a load that writes without end.
var errScratch = &Failure{Code: privacy.CodeLoadRejected,
	Message: "the load needed more room for scratch files than a file of its size is granted; send it in smaller parts"}

// notEntered is the result of a worker that is not shut off, and has read nothing.
func notEntered(err error) *Result {
	if errors.Is(err, sandbox.ErrIncomplete) {
		return &Result{Error: &Failure{Code: privacy.CodeUnavailable, Message: "this server reads files in a sandbox only, and its system has none; tell its operator"}, Trace: err.Error()}
	}
	return &Result{Error: &Failure{Code: privacy.CodeInternal, Message: "internal error"}, Trace: "entering the sandbox: " + err.Error()}
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
func Run(ctx context.Context, spec build.Spec, progress func(Progress)) (result Result) {
	defer func() {
		if p := recover(); p != nil {
			result.Error = &Failure{Code: privacy.CodeLoadRejected, Message: "the file could not be read: it is damaged, or of a kind that is not supported"}
			result.Trace = fmt.Sprintf("panic (%T) in %s", p, frames())
		}
	}()
	var seen atomic.Int64
	stop := reportTo(&seen, progress)
	defer stop()
	counts, err := build.Do(ctx, spec, &seen)
	return failed(Result{Counts: counts}, err)
}

// reportTo sends how many rows were seen, now and then, until the returned
// function is called.
func reportTo(seen *atomic.Int64, progress func(Progress)) (stop func()) {
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
				progress(Progress{RowsRead: seen.Load()})
			}
		}
	})
	return func() { close(done); wg.Wait() }
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

// traceOf describes an internal error for the log. Only texts of ours and
// of the operating system can be in it.
func traceOf(err error) string {
	var e *privacy.Error
	if errors.As(err, &e) && e.Cause != nil {
		return e.Cause.Error()
	}
	return "unknown fault"
}
