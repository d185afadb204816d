package ingesttest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/ingest/child"
	"github.com/noised/noised/ingest/job"
	"github.com/noised/noised/ingest/worker"
	"github.com/noised/noised/privacy/containment"
	"github.com/noised/noised/privacy/controldb"
)

// storeFile is the control store in a data directory.
const storeFile = "control.db"

// Main runs tests and returns with what their process ends. It lets the test binary be
// its own worker, and whatever else is asked for by a first argument, which is told the
// others.
func Main(m *testing.M, others map[string]func(args []string) int) int {
	if len(os.Args) > 1 {
		if os.Args[1] == "worker" {
			return worker.Main(context.Background(), os.Stdin, os.Stdout)
		}
		if other, ok := others[os.Args[1]]; ok {
			return other(os.Args[2:])
		}
	}
	return m.Run()
}

// Workers runs a command in the place of workers; workers where there is none.
func Workers(command ...string) (*child.Runner, error) {
	if len(command) == 0 {
		command = workerCommand()
	}
	return child.New(child.Options{Command: command, MemoryMB: 300})
}

// workerCommand is this binary as a worker, or a program that was built for it: a
// binary of the race detector takes many times as long to start and to load, and has
// nothing to find in a process that ingest/worker's tests run by themselves.
func workerCommand() []string {
	if program := os.Getenv("NOISED_TEST_WORKER"); program != "" {
		return []string{program, "worker"}
	}
	return []string{os.Args[0], "worker"}
}

// options are those of a load service that takes small uploads and never merges tables.
func options(dir string, db *controldb.DB, now func() time.Time) (job.Options, error) {
	workers, err := Workers()
	return job.Options{
		DB: db, Catalog: catalog.New(db, now), Containment: containment.New(db, now), Dir: dir, Workers: workers,
		MaxUpload: 1 << 20, Concurrency: 2, CompactAfter: -1, Now: now,
	}, err
}

// RunServer is a server process: what serve makes runs until the process is killed. It
// prints nothing but why it ended.
func RunServer(dir string, serve func(job.Options) (*job.Service, error)) int {
	ctx := context.Background()
	err := func() error {
		db, err := controldb.Open(ctx, filepath.Join(dir, storeFile))
		if err != nil {
			return err
		}
		o, err := options(dir, db, time.Now)
		if err != nil {
			return err
		}
		s, err := serve(o)
		if err != nil {
			return err
		}
		return s.Run(ctx)
	}()
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// Server is a server in a process of its own.
type Server struct {
	t    testing.TB
	cmd  *exec.Cmd
	out  bytes.Buffer
	done bool
}

// StartServer has the test binary be a server, by what its Main knows as "server". It
// is killed at the end of the test.
func (h *House) StartServer(args ...string) *Server {
	h.T.Helper()
	s := &Server{t: h.T, cmd: exec.Command(os.Args[0], append([]string{"server", h.Dir}, args...)...)}
	s.cmd.Stdout = &s.out
	h.Must(s.cmd.Start())
	h.T.Cleanup(s.Kill)
	return s
}

// Kill ends the process as a power cut would, children left to themselves.
func (s *Server) Kill() {
	if s.done {
		return
	}
	s.done = true
	_ = s.cmd.Process.Signal(syscall.SIGKILL)
	_ = s.cmd.Wait()
	if s.out.Len() > 0 {
		s.t.Errorf("the server said: %s", s.out.String())
	}
}
