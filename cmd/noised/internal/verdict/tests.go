package verdict

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

// measure runs every part, one after the other, and returns what the tests reported
// and how many of them failed.
func (s Suite) measure(ctx context.Context) (*figures, int, error) {
	f, failed := &figures{values: map[string]string{}}, 0
	for _, p := range s.Parts {
		n, err := s.part(ctx, p, f)
		if err != nil {
			return nil, 0, err
		}
		failed += n
	}
	return f, failed, nil
}

// part runs the tests of one part and counts those that did not pass.
func (s Suite) part(ctx context.Context, p Part, f *figures) (failed int, err error) {
	c := exec.CommandContext(ctx, "go", "test", "-tags", s.Name, "-json", "-count=1", "-timeout", "60m", "-run", p.Tests, p.Package)
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
			if name, value, ok := strings.Cut(e.Value, "="); ok && e.Key == s.Name {
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
