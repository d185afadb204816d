package job

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
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
	if linked := onlyFiles(spec.Dir); err == nil {
		err = linked
	}
	if ctx.Err() != nil {
		return result, context.Cause(ctx)
	}
	if err != nil {
		return result, err
	}
	if result.Error != nil {
		if result.Trace != "" {
			s.o.Log.Error("a worker failed", "load", j.ID, "where", clip(result.Trace, maxTrace))
		}
		return result, refusalOf(*result.Error)
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
	last := &lastWords{}
	cmd.Stderr = last
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
	began := time.Now()
	end := s.watch(cmd.Process)
	_ = json.NewEncoder(stdin).Encode(worker.Order{Spec: spec, RequireSandbox: s.o.RequireSandbox}) // a child that died is noticed below
	var result *worker.Result
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, maxEvent)
	for lines.Scan() {
		var ev worker.Event
		if json.Unmarshal(lines.Bytes(), &ev) != nil {
			break
		}
		switch {
		case ev.Sandbox != nil:
			s.sandboxed(*ev.Sandbox)
		case ev.Progress != nil:
			rows.Store(ev.Progress.RowsRead)
		case ev.Result != nil:
			result = ev.Result
		}
	}
	_ = stdin.Close()
	err = cmd.Wait()
	if cause := end(); cause != nil {
		return worker.Result{}, cause
	}
	if result == nil {
		s.o.Log.Warn("a worker died", "state", cmd.ProcessState.String(), "after", time.Since(began).Round(time.Millisecond))
		return worker.Result{}, died(err, cmd.ProcessState, last)
	}
	return *result, nil
}
