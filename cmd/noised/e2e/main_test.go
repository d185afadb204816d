package e2e

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/noised/noised/cmd/noised/internal/blackbox"
	"github.com/noised/noised/cmd/noised/internal/sample"
)

// program is the binary under test, and scratch a directory that lives as long
// as the tests.
var (
	program blackbox.Program
	scratch string
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	if scratch, err = os.MkdirTemp("", "noised-e2e-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(scratch)
	program = blackbox.Program{Path: os.Getenv("NOISED_E2E_BINARY")}
	if program.Path == "" {
		if program, err = blackbox.Build(context.Background(), scratch); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return m.Run()
}

// TestTheProgramIsOfThisTree looks at every source file, so that the toolchain,
// which knows what a test looks at but not what it builds, runs these tests
// again when any of them changes.
func TestTheProgramIsOfThisTree(t *testing.T) {
	err := filepath.WalkDir(filepath.FromSlash("../../.."), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if err == nil && strings.HasPrefix(d.Name(), ".") && len(d.Name()) > 2 {
				return filepath.SkipDir
			}
			return err
		}
		switch filepath.Ext(path) {
		case ".go", ".mod", ".sum", ".sql", ".yaml":
			if _, err = os.Stat(path); errors.Is(err, fs.ErrNotExist) {
				err = nil // an editor's file that came and went
			}
		}
		return err
	})
	check(t, err)
}

// times returns how often a test repeats itself: more in the long run.
func times(n, long int) int {
	if os.Getenv("NOISED_E2E_LONG") != "" {
		return long
	}
	return n
}

// sample is the public sample, read once.
var theRows = sync.OnceValues(func() (sample.Ratings, error) {
	return sample.Read(context.Background(), filepath.FromSlash("../../../testdata/insteval.parquet"))
})

func theSample(t *testing.T) sample.Ratings {
	t.Helper()
	s, err := theRows()
	check(t, err)
	return s
}

// template is the data directory of a stopped server that has the sample loaded
// and no budget set.
type template struct {
	dir     string
	parties *blackbox.Parties
	rows    int64
}

var loadedTemplate = sync.OnceValues(func() (*template, error) {
	s, err := theRows()
	if err != nil {
		return nil, err
	}
	return newTemplate("sample", s)
})

// newTemplate loads rows through the job API, every department as a tenant.
func newTemplate(name string, rows sample.Ratings) (*template, error) {
	ctx := context.Background()
	contract, err := os.ReadFile(filepath.FromSlash("testdata/insteval.yaml"))
	if err != nil {
		return nil, err
	}
	files, err := blackbox.Files(rows)
	if err != nil {
		return nil, err
	}
	tpl := &template{dir: filepath.Join(scratch, name)}
	operator, err := program.Init(ctx, tpl.dir)
	if err != nil {
		return nil, err
	}
	server, err := program.Start(ctx, tpl.dir, "--load-concurrency", "2")
	if err != nil {
		return nil, err
	}
	defer server.Kill() // in case the set-up fails; a stopped server is not there to kill
	if tpl.parties, err = blackbox.SetUp(ctx, server, operator, contract, rows.Tenants()); err != nil {
		return nil, err
	}
	if tpl.rows, err = tpl.parties.Load(ctx, server, files); err != nil {
		return nil, err
	}
	return tpl, server.Stop()
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
