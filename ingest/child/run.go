package child

import (
	"bufio"
	"context"
	"encoding/json"
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

// Run carries out an order in the directory that the spec names, which is created
// here, and returns what came of it. The number of rows that passed is kept in seen
// meanwhile. name says in the log what it is for.
//
// The counts are told of an order that failed, too. Errors are about the order's file,
// and safe to show to its sender, or about this machine; if ctx ends, the cause of
// that. What the worker has left in its directory is regular files of its own.
func (r *Runner) Run(ctx context.Context, name string, spec build.Spec, seen *atomic.Int64) (build.Counts, error) {
	if err := segment.MkdirAll(spec.Dir); err != nil {
		return build.Counts{}, privacy.Internal(err, "creating a scratch directory")
	}
	result, err := r.start(ctx, spec, seen)
	if linked := onlyFiles(spec.Dir); err == nil {
		err = linked
	}
	if ctx.Err() != nil {
		return result.Counts, context.Cause(ctx)
	}
	if err != nil {
		return result.Counts, err
	}
	if result.Error != nil {
		if result.Trace != "" {
			r.o.Log.Error("a worker failed", "load", name, "where", clip(result.Trace, maxTrace))
		}
		return result.Counts, refusalOf(*result.Error)
	}
	return result.Counts, nil
}

// start starts the process, feeds it and listens to it. The pipe to its
// standard input stays open while it lives: when this process dies, the pipe
// ends and so does the child.
func (r *Runner) start(ctx context.Context, spec build.Spec, seen *atomic.Int64) (worker.Result, error) {
	cmd := exec.CommandContext(ctx, r.o.Command[0], r.o.Command[1:]...)
	cmd.Dir = spec.Dir
	cmd.Env = environment(spec.Dir)
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
	end := r.watch(cmd.Process)
	_ = json.NewEncoder(stdin).Encode(worker.Order{Spec: spec, RequireSandbox: r.o.RequireSandbox}) // a child that died is noticed below
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
			r.sandboxed(*ev.Sandbox)
		case ev.Progress != nil:
			seen.Store(ev.Progress.RowsRead)
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
		r.o.Log.Warn("a worker died", "state", cmd.ProcessState.String(), "after", time.Since(began).Round(time.Millisecond))
		return worker.Result{}, died(err, cmd.ProcessState, last)
	}
	return *result, nil
}

// environment is the environment of a worker: nothing of the server's own, which
// may hold secrets, but what a process needs to start.
func environment(dir string) []string {
	env := []string{"TMPDIR=" + dir, "HOME=" + dir, "TZ=UTC", "GOTRACEBACK=none"}
	for _, name := range []string{"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}
