// Command drill rehearses what to do when something was stolen: a key, a backup, a
// node. Each rehearsal sets up servers of the built program on data of its own,
// plays the thief, then does what docs/governance.md says, and checks after each step
// that it holds.
//
// It prints what was checked and what a thief gets in spite of everything, writes
// both to a file, and ends with exit status 1 if a check failed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/noised/noised/cmd/noised/internal/blackbox"
	"github.com/noised/noised/cmd/noised/internal/verdict"
)

func main() { os.Exit(verdict.Main("drill", run)) }

// report is what is written in the end.
type report struct {
	Passed    bool         `json:"passed"`
	Rehearsed []*rehearsal `json:"rehearsals"`
}

// rehearsal is one theft, what was checked, and what the thief has in any case.
type rehearsal struct {
	Theft   string   `json:"theft"`
	Millis  int64    `json:"ms"`
	Checks  []check  `json:"checks"`
	Exposed []string `json:"exposed"`

	out    io.Writer
	dir    string
	crypto string
	blackbox.Program
}

type check struct {
	What string `json:"what"`
	OK   bool   `json:"ok"`
	Saw  string `json:"saw,omitempty"` // of one that failed
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("drill", flag.ContinueOnError)
	binary := flags.String("binary", "bin/noised", "the built program")
	crypto := flags.String("crypto-extension", "", "DuckDB's extension that encrypts data files; without it they are plain")
	file := flags.String("o", "drill.json", "file for what was checked")
	if err := flags.Parse(args); err != nil {
		return err
	}
	path, err := filepath.Abs(*binary)
	if err != nil {
		return err
	}
	extension := *crypto
	if extension != "" {
		if extension, err = filepath.Abs(extension); err != nil {
			return err
		}
	}
	scratch, err := os.MkdirTemp("", "noised-drill-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	r := report{Passed: true}
	for _, theft := range []struct {
		of string
		do func(*rehearsal, context.Context) error
	}{{"key", (*rehearsal).key}, {"backup", (*rehearsal).backup}, {"node", (*rehearsal).node}} {
		h := &rehearsal{Theft: theft.of, Checks: []check{}, Exposed: []string{}, out: out, crypto: extension, dir: filepath.Join(scratch, theft.of), Program: blackbox.Program{Path: path}}
		fmt.Fprintf(out, "A %s is stolen\n", theft.of)
		began := time.Now()
		if err := os.Mkdir(h.dir, 0o700); err != nil {
			return err
		}
		if err := theft.do(h, ctx); err != nil {
			h.holds("the rehearsal came to its end", err)
		}
		h.Millis = time.Since(began).Milliseconds()
		for _, c := range h.Checks {
			r.Passed = r.Passed && c.OK
		}
		r.Rehearsed = append(r.Rehearsed, h)
	}
	if err := verdict.Write(*file, r); err != nil {
		return err
	}
	if !r.Passed {
		return errors.New("a check failed")
	}
	return nil
}

// holds notes a check: it failed if there is an error.
func (h *rehearsal) holds(what string, err error) {
	c := check{What: what, OK: err == nil}
	if err == nil {
		fmt.Fprintf(h.out, "  ok    %s\n", what)
	} else {
		c.Saw = err.Error()
		fmt.Fprintf(h.out, "  FAIL  %s: %s\n", what, c.Saw)
	}
	h.Checks = append(h.Checks, c)
}

// exposed notes what the thief has, whatever is done.
func (h *rehearsal) exposed(format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	fmt.Fprintf(h.out, "  note  %s\n", what)
	h.Exposed = append(h.Exposed, what)
}
