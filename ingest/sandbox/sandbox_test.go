package sandbox_test

import (
	"bufio"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/noised/noised/ingest/sandbox"
)

// asPrisoner is the name of the variable that makes the test binary a process that
// enters a sandbox and tries to get out.
const asPrisoner = "NOISED_TEST_PRISONER"

// cell is what a prisoner is told.
type cell struct {
	Options sandbox.Options
	Foreign string // a file of another tenant
	Outside string // a directory of others
	TCP     string // an address that answers
	Server  int    // the process that started it
}

// try is the outcome of one attempt.
type try struct {
	What string
	Err  string // empty: it was possible
}

func TestMain(m *testing.M) {
	if text := os.Getenv(asPrisoner); text != "" {
		os.Exit(prisoner(text))
	}
	os.Exit(m.Run())
}

func prisoner(text string) int {
	var c cell
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return 3
	}
	out := json.NewEncoder(os.Stdout)
	report, err := sandbox.Enter(c.Options)
	if err != nil {
		_ = out.Encode(try{"entering", err.Error()})
		return 4
	}
	_ = out.Encode(report)
	for _, a := range attempts(c) {
		outcome := try{What: a.what}
		if err := a.do(); err != nil {
			outcome.Err = err.Error()
		}
		_ = out.Encode(outcome)
	}
	return 0
}

// attempt is something that a process in a sandbox tries.
type attempt struct {
	what    string
	allowed bool
	do      func() error
}

// imprison runs a prisoner and returns what its attempts came to.
func imprison(t *testing.T, c cell) (sandbox.Report, []try) {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{asPrisoner + "=" + string(text), "NOISED_TEST_SECRET=not-for-you"}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	open, err := os.Open(c.Foreign) // as DuckDB leaves them: a child has them, too
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	cmd.ExtraFiles = []*os.File{open}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	var report sandbox.Report
	var tries []try
	for first := true; lines.Scan(); first = false {
		var err error
		if first {
			err = json.Unmarshal(lines.Bytes(), &report)
		} else {
			tries = append(tries, try{})
			err = json.Unmarshal(lines.Bytes(), &tries[len(tries)-1])
		}
		if err != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	return report, tries
}

// A process in a sandbox reaches what it was given and nothing else, from whichever
// thread it tries.
func TestNothingGetsOut(t *testing.T) {
	if !sandbox.Supported().Whole() {
		t.Logf("this system has only a part of it: %s", sandbox.Supported().Missing())
	}
	dir := t.TempDir()
	own, others := filepath.Join(dir, "own"), filepath.Join(dir, "others")
	for _, d := range []string{own, others} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	foreign, upload := filepath.Join(others, "segment.duckdb"), filepath.Join(dir, "upload")
	for _, f := range []string{foreign, upload} {
		if err := os.WriteFile(f, []byte("rows"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := cell{
		Options: sandbox.Options{Read: []string{upload, filepath.Join(dir, "not-there")}, Write: own, DataBytes: 4 << 30, FileBytes: 1 << 20, OpenFiles: 64, CPUSeconds: 60},
		Foreign: foreign, Outside: others, TCP: l.Addr().String(), Server: os.Getpid(),
	}
	report, tries := imprison(t, c)
	if report != sandbox.Supported() {
		t.Errorf("%+v, and supported is %+v", report, sandbox.Supported())
	}
	if !report.Whole() {
		return
	}
	known := attempts(c)
	if len(tries) != len(known) {
		t.Fatalf("%d of %d attempts were made", len(tries), len(known))
	}
	for i, a := range known {
		t.Logf("%s: %q", a.what, tries[i].Err)
		if possible := tries[i].Err == ""; possible != a.allowed {
			t.Errorf("%s: possible %v (%s)", a.what, possible, tries[i].Err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(others, "*")); len(left) != 1 {
		t.Errorf("files of others: %v", left)
	}
}

// What a system does not have is said, and refused where it is required.
func TestWhatIsMissingIsSaid(t *testing.T) {
	for _, c := range []struct {
		report sandbox.Report
		whole  bool
		says   string
	}{
		{sandbox.Report{Files: 7, Calls: true}, true, ""},
		{sandbox.Report{Calls: true}, false, "Landlock"},
		{sandbox.Report{Files: 1}, false, "seccomp"},
	} {
		if c.report.Whole() != c.whole || !strings.Contains(c.report.Missing(), c.says) || c.whole != (c.report.Missing() == "") {
			t.Errorf("%+v: %q", c.report, c.report.Missing())
		}
	}
}
