package job

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/noised/noised/ingest/build"
	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/ingest/worker"
	"github.com/noised/noised/privacy"
)

// maxEvent is the size in bytes of the longest line that a worker writes.
const maxEvent = 4 << 20

// work runs a child process on a spec and returns what it reported. Its
// directory is created here. Progress goes to the load's record when it is
// asked for.
func (s *Service) work(ctx context.Context, j record, spec build.Spec, report bool) (worker.Result, error) {
	if err := segment.MkdirAll(spec.Dir); err != nil {
		return worker.Result{}, privacy.Internal(err, "creating a scratch directory")
	}
	var err error
	if spec.Encryption, err = s.encryption(ctx, j, spec); err != nil {
		return worker.Result{}, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var rows atomic.Int64
	if report {
		done := make(chan struct{})
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			s.follow(ctx, cancel, j, &rows, done)
		}()
		defer func() { close(done); <-stopped }()
	}
	result, err := s.child(ctx, spec, &rows)
	if ctx.Err() != nil {
		return result, context.Cause(ctx)
	}
	if err != nil {
		return result, err
	}
	if result.Error != nil {
		if result.Trace != "" {
			s.o.Log.Error("a worker failed", "load", j.ID, "where", result.Trace)
		}
		return result, privacy.Errorf(result.Error.Code, "%s", result.Error.Message)
	}
	return result, nil
}

// follow writes progress to the load's record, and ends the attempt when the
// record says that it has been cancelled.
func (s *Service) follow(ctx context.Context, cancel context.CancelCauseFunc, j record, rows *atomic.Int64, done <-chan struct{}) {
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := s.progress(ctx, j, rows.Load()); errors.Is(err, errOvertaken) {
				cancel(errOvertaken)
				return
			}
		}
	}
}

// child starts the process, feeds it and listens to it. The pipe to its
// standard input stays open while it lives: when this process dies, the pipe
// ends and so does the child.
func (s *Service) child(ctx context.Context, spec build.Spec, rows *atomic.Int64) (worker.Result, error) {
	cmd := exec.CommandContext(ctx, s.o.WorkerCommand[0], s.o.WorkerCommand[1:]...)
	cmd.Dir = spec.Dir
	cmd.Env = childEnv(spec.Dir)
	cmd.WaitDelay = 5 * time.Second
	// A terminal's interrupt is for the server, which then ends its children.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return worker.Result{}, privacy.Internal(err, "starting a worker")
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return worker.Result{}, privacy.Internal(err, "starting a worker")
	}
	if err := cmd.Start(); err != nil {
		return worker.Result{}, privacy.Internal(err, "starting a worker")
	}
	_ = json.NewEncoder(stdin).Encode(spec) // a child that died is noticed below
	var result *worker.Result
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, maxEvent)
	for lines.Scan() {
		var ev worker.Event
		if json.Unmarshal(lines.Bytes(), &ev) != nil {
			break
		}
		switch {
		case ev.Progress != nil:
			rows.Store(ev.Progress.RowsRead)
		case ev.Result != nil:
			result = ev.Result
		}
	}
	_ = stdin.Close()
	err = cmd.Wait()
	if result == nil {
		return worker.Result{}, died(err)
	}
	return *result, nil
}

// childEnv is the environment of a worker: nothing of the server's own, which
// may hold secrets, but what a process needs to start.
func childEnv(dir string) []string {
	env := []string{"TMPDIR=" + dir, "HOME=" + dir}
	for _, name := range []string{"PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// died explains a child that ended without a result.
func died(err error) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return privacy.Internal(fmt.Errorf("no result: %w", err), "running a worker")
	}
	const crashed = "the file made its reader crash: it is damaged, or of a kind that is not supported"
	status, ok := exit.Sys().(syscall.WaitStatus)
	if exit.ExitCode() == worker.ExitCrash {
		return privacy.Errorf(privacy.CodeLoadRejected, crashed)
	}
	if !ok || !status.Signaled() {
		return privacy.Internal(fmt.Errorf("no result, exit code %d", exit.ExitCode()), "running a worker")
	}
	switch status.Signal() {
	case syscall.SIGKILL, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP:
		return privacy.Errorf(privacy.CodeUnavailable,
			"the process that ran this load was killed, by the operator or because the machine ran out of memory; send the file again")
	case syscall.SIGXCPU:
		return privacy.Errorf(privacy.CodeLoadRejected, "the load took more processor time than the server grants")
	default:
		return privacy.Errorf(privacy.CodeLoadRejected, crashed)
	}
}
