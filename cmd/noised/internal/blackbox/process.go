package blackbox

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/noised/noised/api/wire"
)

// startLimit is the longest that a server may take to start, and stopLimit to
// stop, before that counts as a failure.
const (
	startLimit = 3 * time.Minute
	stopLimit  = 3 * time.Minute
)

// Program is a built noised binary.
type Program struct{ Path string }

// Build compiles the program into dir. The toolchain's cache makes a second
// build cheap.
func Build(ctx context.Context, dir string) (Program, error) {
	p := Program{Path: filepath.Join(dir, "noised")}
	var out bytes.Buffer
	build := exec.CommandContext(ctx, "go", "build", "-o", p.Path, "github.com/noised/noised/cmd/noised")
	build.Stdout, build.Stderr = &out, &out
	if err := build.Run(); err != nil {
		return Program{}, fmt.Errorf("build noised: %w\n%s", err, out.String())
	}
	return p, nil
}

// RunTests sets the program under test, the one that NOISED_E2E_BINARY names or one
// that is built for the tests, runs them and returns their status.
func RunTests(under *Program, tests interface{ Run() int }) int {
	if under.Path = os.Getenv("NOISED_E2E_BINARY"); under.Path != "" {
		return tests.Run()
	}
	dir, err := os.MkdirTemp("", "noised-under-test-")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		*under, err = Build(context.Background(), dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return tests.Run()
}

// command runs the program without any of the caller's own noised settings.
func (p Program) command(ctx context.Context, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, p.Path, args...)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "NOISED_") {
			c.Env = append(c.Env, v)
		}
	}
	return c
}

// Init creates a data directory and returns its operator's key.
func (p Program) Init(ctx context.Context, dir string) (key string, err error) {
	var stderr bytes.Buffer
	c := p.command(ctx, "init", "--data-dir", dir, "--format", "json")
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("noised init: %w\n%s", err, stderr.String())
	}
	var answer struct {
		OperatorKey string `json:"operator_key"`
	}
	if err := json.Unmarshal(out, &answer); err != nil || answer.OperatorKey == "" {
		return "", fmt.Errorf("noised init printed %q, not the operator's key", out)
	}
	return answer.OperatorKey, nil
}

// Run runs a command of the program to its end.
func (p Program) Run(ctx context.Context, args ...string) error {
	out, err := p.command(ctx, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("noised %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

// Server is one running server process.
type Server struct {
	URL   string
	Took  time.Duration // from exec to the first answer of /readyz
	Trans *http.Transport

	cmd    *exec.Cmd
	log    *journal
	exited chan struct{} // closed when the process is gone
	err    error         // of Wait; to be read after exited
}

// Start starts a server on a data directory and waits until it is ready.
func (p Program) Start(ctx context.Context, dir string, flags ...string) (*Server, error) {
	return p.StartTrusting(ctx, nil, dir, flags...)
}

// StartTrusting is Start for a server whose flags name a certificate: clients trust
// what roots vouch for.
func (p Program) StartTrusting(ctx context.Context, roots *x509.CertPool, dir string, flags ...string) (*Server, error) {
	args := append([]string{"serve", "--data-dir", dir, "--listen", "127.0.0.1:0", "--format", "json", "--log-level", "warn"}, flags...)
	// The process outlives the context of its start: tests end it themselves.
	s := &Server{cmd: p.command(context.WithoutCancel(ctx), args...), exited: make(chan struct{})}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if s.log, err = newJournal(); err != nil {
		return nil, err
	}
	s.cmd.Stderr = s.log.file
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start noised: %w", err), s.log.file.Close())
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	url := make(chan string, 1)
	go func() {
		url <- announced(stdout)
		_, _ = io.Copy(io.Discard, stdout)
		s.err = s.cmd.Wait()
		close(s.exited)
	}()
	select {
	case s.URL = <-url:
	case <-ctx.Done():
	}
	if s.URL == "" {
		killed := s.Kill() // first, so that the log is whole
		return nil, errors.Join(fmt.Errorf("noised serve did not say where it listens: %s", s.log), killed)
	}
	s.Trans = &http.Transport{MaxIdleConnsPerHost: 128, TLSClientConfig: &tls.Config{RootCAs: roots}}
	if err := s.waitReady(ctx); err != nil {
		return nil, errors.Join(err, s.Kill())
	}
	s.Took = time.Since(began)
	return s, nil
}

// announced reads the document that a server prints once it listens.
func announced(stdout io.Reader) string {
	var answer struct {
		URL string `json:"url"`
	}
	dec := json.NewDecoder(bufio.NewReader(stdout))
	if dec.Decode(&answer) != nil {
		return ""
	}
	return answer.URL
}

func (s *Server) waitReady(ctx context.Context) error {
	api, err := s.API("")
	if err != nil {
		return err
	}
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		err := api.Ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("noised is not ready: %w: %s", err, s.log)
		case <-s.exited:
			return fmt.Errorf("noised ended: %w: %s", s.err, s.log)
		case <-tick.C:
		}
	}
}

// API returns a client of the server that authenticates with key.
func (s *Server) API(key string) (*wire.API, error) {
	return wire.New(s.URL, key, &http.Client{Transport: s.Trans})
}

// Kill ends the process as a power cut would: SIGKILL, nothing is flushed.
func (s *Server) Kill() error {
	err := s.cmd.Process.Kill()
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	<-s.exited
	s.close()
	return err
}

// Stop asks the server to end in order and waits for it.
func (s *Server) Stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-s.exited:
	case <-time.After(stopLimit):
		return errors.Join(fmt.Errorf("noised did not stop in %s: %s", stopLimit, s.log), s.Kill())
	}
	s.close()
	if s.err != nil {
		return fmt.Errorf("noised serve: %w: %s", s.err, s.log)
	}
	return nil
}

// Log returns the end of what the server logged.
func (s *Server) Log() string { return s.log.String() }

// Resident returns the most resident memory, in bytes, that the running server
// has had itself, without what its load workers had. Only Linux tells.
func (s *Server) Resident() (int64, error) {
	peak, err := peakOf(s.cmd.Process.Pid)
	if err != nil {
		return 0, fmt.Errorf("peak memory of the server: %w", err)
	}
	return peak, nil
}

func (s *Server) close() {
	if s.Trans != nil {
		s.Trans.CloseIdleConnections()
	}
}
