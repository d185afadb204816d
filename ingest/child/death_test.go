package child_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/noised/noised/ingest/build"
	"github.com/noised/noised/ingest/child"
	"github.com/noised/noised/privacy"
)

// TestMain lets the test binary be a worker that does not end by itself.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "stuck-worker" {
		_, _ = io.Copy(io.Discard, os.Stdin) // until its server lets go of it
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// run gives a program in the place of a worker an order, in a directory, and returns
// what it came to and what is in the log.
func run(t *testing.T, o child.Options, dir string) (log string, err error) {
	t.Helper()
	var lines bytes.Buffer
	o.Log = slog.New(slog.NewTextHandler(&lines, nil))
	runner, err := child.New(o)
	if err != nil {
		t.Fatal(err)
	}
	var seen atomic.Int64
	_, err = runner.Run(t.Context(), "load_1", build.Spec{Dir: dir}, &seen)
	return lines.String(), err
}

func shell(text string) child.Options { return child.Options{Command: []string{"sh", "-c", text}} }

func TestAWorkerThatDiesIsExplained(t *testing.T) {
	for name, c := range map[string]struct {
		o    child.Options
		code privacy.Code
		text string
	}{
		"killed":          {shell("kill -KILL $$"), privacy.CodeUnavailable, "was killed"},
		"a native crash":  {shell("kill -SEGV $$"), privacy.CodeLoadRejected, "crash"},
		"a Go crash":      {shell("exit 2"), privacy.CodeLoadRejected, "crash"},
		"out of memory":   {shell("echo 'fatal error: runtime: cannot allocate memory' >&2; exit 2"), privacy.CodeLoadRejected, "--load-memory-mb"},
		"no room in C++":  {shell("echo \"terminate called after throwing an instance of 'std::bad_alloc'\" >&2; kill -ABRT $$"), privacy.CodeLoadRejected, "--load-memory-mb"},
		"too much memory": {child.Options{Command: []string{"tail", "/dev/zero"}, MemoryMB: 64}, privacy.CodeLoadRejected, "--load-memory-mb"}, // it keeps what it reads
		"too slow":        {shell("kill -XCPU $$"), privacy.CodeLoadRejected, "processor time"},
		"too long":        {child.Options{Command: []string{os.Args[0], "stuck-worker"}, Timeout: 300 * time.Millisecond}, privacy.CodeLoadRejected, "longer than 300ms"},
		"no answer":       {shell("exit 0"), privacy.CodeInternal, "internal error"},
		"another answer":  {shell("echo rubbish; exit 1"), privacy.CodeInternal, "internal error"},
		"no such program": {child.Options{Command: []string{"no-such-program-here"}}, privacy.CodeInternal, "internal error"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := run(t, c.o, t.TempDir())
			if e := privacy.AsError(err); e.Code != c.code || !strings.Contains(e.Message, c.text) {
				t.Errorf("%+v", e)
			}
		})
	}
}

func TestAWorkerEndsWithItsContext(t *testing.T) {
	r, err := child.New(child.Options{Command: []string{os.Args[0], "stuck-worker"}})
	if err != nil {
		t.Fatal(err)
	}
	why := errors.New("it was cancelled")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(50*time.Millisecond, func() { cancel(why) })
	var seen atomic.Int64
	if _, err := r.Run(ctx, "load_1", build.Spec{Dir: t.TempDir()}, &seen); !errors.Is(err, why) {
		t.Errorf("it ended with %v", err)
	}
}

// What a worker writes as it dies may hold rows. None of it is kept.
func TestLastWordsAreNotKept(t *testing.T) {
	const private = "a-private-value"
	log, err := run(t, shell("echo 'panic: "+private+"' >&2; echo "+private+"; exit 2"), t.TempDir())
	if err == nil || strings.Contains(privacy.AsError(err).Message, private) || strings.Contains(log, private) {
		t.Errorf("%v\n%s", err, log)
	}
}

// A worker that was taken over says what it likes. Its order fails, and only that.
func TestAWorkersWordIsNotBelieved(t *testing.T) {
	for code, want := range map[privacy.Code]privacy.Code{
		privacy.CodeLoadRejected: privacy.CodeLoadRejected, privacy.CodeSuspended: privacy.CodeInternal, privacy.CodeForbidden: privacy.CodeInternal, "x": privacy.CodeInternal,
	} {
		says := `{"result":{"error":{"code":"` + string(code) + `","message":"'$m'"},"trace":"'$m'"}}`
		log, err := run(t, shell("m=$(printf '%0100000d' 0); echo '"+says+"'"), t.TempDir())
		if e := privacy.AsError(err); e.Code != want || len(e.Message) > 5000 {
			t.Errorf("%s: %s with %.100s", code, e.Code, e.Message)
		}
		if n := len(log); n > 20_000 {
			t.Errorf("%s: %d bytes are in the log", code, n)
		}
	}
}

// A worker that a file has taken over can leave links where its server looks for files.
// The server, which may read everything, would follow them to a segment of another
// tenant or to a key.
func TestLinksOfAWorkerAreNotFollowed(t *testing.T) {
	foreign, dir := filepath.Join(t.TempDir(), "foreign"), t.TempDir()
	if err := os.WriteFile(foreign, []byte("of somebody else"), 0o600); err != nil {
		t.Fatal(err)
	}
	const says = `; echo '{"result":{"rows_read":1,"rows_loaded":1,"rows_stored":1}}'`
	for name, leave := range map[string]string{
		"symbolic":    `ln -s "$0" segment.duckdb; ln -s "$0" rejects.ndjson`,
		"names":       `ln "$0" segment.duckdb; ln "$0" rejects.ndjson`,
		"a directory": `mkdir segment.duckdb; ln -s "$0" segment.duckdb/x`,
	} {
		_, err := run(t, child.Options{Command: []string{"sh", "-c", leave + says, foreign}}, dir)
		if privacy.CodeOf(err) != privacy.CodeLoadRejected {
			t.Errorf("%s: %v", name, err)
		}
		for _, file := range []string{build.SegmentFile, build.RejectsFile} {
			if _, err := os.Lstat(filepath.Join(dir, file)); !os.IsNotExist(err) {
				t.Errorf("%s: %s is left: %v", name, file, err)
			}
		}
	}
	if info, err := os.Stat(foreign); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

func TestWithoutACommandThereIsNoRunner(t *testing.T) {
	if _, err := child.New(child.Options{}); err == nil {
		t.Error("it runs nothing")
	}
}
