package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// event is a line of go test -json.
type event struct {
	Action string
	Test   string
	Key    string // of an attribute
	Value  string
	Output string
}

// attribute is the key under which tests report a name=value.
const attribute = "vault"

// suites are the packages whose tests are run: the suite, and that of the log's
// verifier.
func suites() []string { return []string{"./cmd/noised/vault/suite", "./privacy/translog/verify"} }

// runTests runs the suite and returns what its tests reported and how many of them
// failed.
func runTests(ctx context.Context) (*figures, int, error) {
	f := &figures{values: map[string]string{}}
	failed, err := f.run(ctx)
	return f, failed, err
}

// run runs the tests and counts those that did not pass.
func (f *figures) run(ctx context.Context) (failed int, err error) {
	c := exec.CommandContext(ctx, "go", append([]string{"test", "-tags", "vault", "-json", "-count=1", "-p", "1", "-timeout", "60m"}, suites()...)...)
	c.Stderr = os.Stderr
	stdout, err := c.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := c.Start(); err != nil {
		return 0, err
	}
	output := map[string]*strings.Builder{}
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			continue
		}
		if output[e.Test] == nil {
			output[e.Test] = &strings.Builder{}
		}
		switch e.Action {
		case "attr":
			if name, value, ok := strings.Cut(e.Value, "="); ok && e.Key == attribute {
				f.add(name, value)
			}
		case "output", "build-output":
			output[e.Test].WriteString(e.Output)
		case "fail", "skip", "build-fail":
			fmt.Fprint(os.Stderr, output[e.Test].String())
			failed++
		}
	}
	err = errors.Join(lines.Err(), c.Wait())
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && failed > 0 {
		err = nil // counted
	}
	return failed, err
}
