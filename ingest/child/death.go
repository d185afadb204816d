package child

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/noised/noised/ingest/worker"
	"github.com/noised/noised/privacy"
)

// Why a worker was ended, or what it died of. What it said itself is of no account:
// it has read a file that may mean harm, and what such a process writes may hold rows.
var (
	errMemory = privacy.Errorf(privacy.CodeLoadRejected,
		"the load needed more memory than this server grants to one and was ended; send the file in smaller parts, with smaller row groups or batches, or ask the operator for more (--load-memory-mb)")
	errCrashed = privacy.Errorf(privacy.CodeLoadRejected, "the file made its reader crash: it is damaged, or of a kind that is not supported; write it anew, or send it in another format")
	errCPU     = privacy.Errorf(privacy.CodeLoadRejected, "the load took more processor time than the server grants; send the file in smaller parts")
	errKilled  = privacy.Errorf(privacy.CodeUnavailable,
		"the process that ran this load was killed, by the operator or because the machine ran out of memory; send the file again")
)

func errTooLong(limit time.Duration) error {
	return privacy.Errorf(privacy.CodeLoadRejected, "the load took longer than %s, the most that this server grants to one, and was ended; send the file in smaller parts", limit)
}

// died explains a child that ended without a result.
func died(err error, state *os.ProcessState, last *lastWords) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return privacy.Internal(fmt.Errorf("no result: %w", err), "running a worker")
	}
	if state.UserTime()+state.SystemTime() >= worker.MaxCPUSeconds*time.Second {
		return errCPU // the kernel's last signal is that of any other kill
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	switch {
	case ok && status.Signaled() && status.Signal() == syscall.SIGXCPU:
		return errCPU
	case exit.ExitCode() == worker.ExitStopped:
		return privacy.Errorf(privacy.CodeUnavailable, "the load was stopped")
	case exit.ExitCode() == worker.ExitCrash, ok && status.Signaled() && !killed(status.Signal()):
		if last.ofMemory() {
			return errMemory
		}
		return errCrashed
	case !ok || !status.Signaled():
		return privacy.Internal(fmt.Errorf("no result, exit code %d", exit.ExitCode()), "running a worker")
	default:
		return errKilled
	}
}

// killed reports whether a signal comes from outside of a process.
func killed(s syscall.Signal) bool {
	return s == syscall.SIGKILL || s == syscall.SIGTERM || s == syscall.SIGINT || s == syscall.SIGHUP
}

// lastWords holds the beginning of what a worker writes as it dies, to tell what it
// died of. It is never shown or logged: there may be rows in it.
type lastWords struct{ text []byte }

// maxLastWords is far more than the sentence that the words begin with.
const maxLastWords = 16 << 10

// Write implements io.Writer.
func (l *lastWords) Write(p []byte) (int, error) {
	l.text = append(l.text, p[:min(len(p), maxLastWords-len(l.text))]...)
	return len(p), nil
}

// ofMemory reports whether a worker ran out of what its limits leave it.
func (l *lastWords) ofMemory() bool {
	for _, words := range []string{"out of memory", "cannot allocate memory", "bad_alloc", "stack exceeds", "Cannot allocate memory"} {
		if bytes.Contains(l.text, []byte(words)) {
			return true
		}
	}
	return false
}

// Most bytes of what a worker says of its failure.
const (
	maxTrace   = 2 << 10
	maxRefusal = 4 << 10
)

// refusalOf is why a task failed by the word of its worker. A code that workers have
// no use for would have the server do other things than to fail the task: wait for
// the end of a suspension, for one.
func refusalOf(f worker.Failure) error {
	if slices.Contains([]privacy.Code{privacy.CodeLoadRejected, privacy.CodeTooLarge, privacy.CodeUnavailable, privacy.CodeInternal}, f.Code) {
		return privacy.Errorf(f.Code, "%s", clip(f.Message, maxRefusal))
	}
	return privacy.Internal(fmt.Errorf("a worker failed with the code %.100q", f.Code), "running a task")
}

func clip(text string, most int) string {
	if len(text) > most {
		text = text[:most] + "…"
	}
	return strings.ToValidUTF8(text, "?")
}
