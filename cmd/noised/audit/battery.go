package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// packages hold the audit tests.
var packages = []string{"./cmd/noised/e2e"}

// event is a line of go test -json.
type event struct {
	Action  string
	Package string
	Test    string
	Key     string // of an attribute
	Value   string
	Output  string
}

// report is what a test said about itself before it ended.
type report struct {
	name    string
	samples int64
	bound   string
	seen    string
	output  strings.Builder
}

// runTests runs the audit tests and returns the verdict of each that reports.
// A test that fails without having reported is an error of its own.
func runTests(ctx context.Context, tests string, long bool) ([]Verdict, error) {
	args := append([]string{"test", "-tags", "audit", "-json", "-count=1", "-timeout", "10h", "-run", tests}, packages...)
	c := exec.CommandContext(ctx, "go", args...)
	c.Env = append(os.Environ(), "NOISED_AUDIT=1")
	if long {
		c.Env = append(c.Env, "NOISED_E2E_LONG=1")
	}
	c.Stderr = os.Stderr
	stdout, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	b := battery{reports: map[string]*report{}}
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) == nil {
			b.take(e)
		}
	}
	err = errors.Join(lines.Err(), c.Wait())
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && len(b.verdicts) > 0 {
		err = nil // the verdicts say what failed
	}
	return b.verdicts, err
}

// families are how verdicts' names begin, and which tests give these verdicts.
var families = map[string]string{
	"attack-":       "Attack",
	"distribution-": "Distributions",
	"event-":        "Event",
	"neighbour-":    "(Neighbours|JoinWhale)",
	"replay":        "Replay",
}

// pattern returns the -run expression of the tests whose verdicts begin with only: of
// one attack, or of a family. It is empty where there are none.
func pattern(only string) string {
	if only == "" {
		return "^TestAudit"
	}
	if number, ok := strings.CutPrefix(only, "attack-"); ok {
		return "^TestAuditAttack" + number
	}
	for verdicts, tests := range families {
		if strings.HasPrefix(only, verdicts) || strings.HasPrefix(verdicts, only) {
			return "^TestAudit" + tests
		}
	}
	return ""
}

// battery gathers reports by package and test.
type battery struct {
	reports  map[string]*report
	verdicts []Verdict
}

func (b *battery) take(e event) {
	if e.Test == "" {
		if e.Action == "output" && strings.Contains(e.Output, "FAIL") {
			fmt.Fprint(os.Stderr, e.Output)
		}
		return
	}
	id := e.Package + " " + e.Test
	r := b.reports[id]
	if r == nil {
		r = &report{}
		b.reports[id] = r
	}
	switch e.Action {
	case "attr":
		r.attribute(e.Key, e.Value)
	case "output":
		r.output.WriteString(e.Output)
	case pass, fail, "skip":
		b.end(e, r)
		delete(b.reports, id)
	}
}

func (r *report) attribute(key, value string) {
	switch key {
	case "audit":
		r.name = value
	case "samples":
		r.samples, _ = strconv.ParseInt(value, 10, 64)
	case "bound":
		r.bound = value
	case "seen":
		r.seen = value
	}
}

// end turns a finished test into its verdict. A skipped test is no pass.
func (b *battery) end(e event, r *report) {
	if e.Action == fail {
		fmt.Fprint(os.Stderr, r.output.String())
	}
	v := Verdict{Test: r.name, Samples: r.samples, Bound: Figure(r.bound), Seen: Figure(r.seen), Verdict: fail}
	if e.Action == pass {
		v.Verdict = pass
	}
	if r.name == "" {
		if v.Verdict == pass || strings.Contains(e.Test, "/") {
			return // a helper, or a part of a test that reports as a whole
		}
		v.Test, v.Bound, v.Seen = e.Test, "passes", "failed"
	}
	b.verdicts = append(b.verdicts, v)
}
