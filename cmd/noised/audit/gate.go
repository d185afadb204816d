package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Mutation is a bug that somebody could write, and the test that must notice.
type Mutation struct {
	Name    string // reported as mutation-<name>
	Edits   []Edit
	Package string // of the test
	Test    string // its name, as -run takes it
	Tags    string // build tags of the test
}

// Edit replaces a text that occurs exactly once in a file.
type Edit struct{ File, Old, New string }

// runMutations seeds each bug in turn.
func runMutations(ctx context.Context, only string) []Verdict {
	var out []Verdict
	for _, m := range mutations() {
		name := "mutation-" + m.Name
		if only != "" && !strings.Contains(name, only) {
			continue
		}
		v := Verdict{Test: name, Samples: 1, Bound: Figure(m.Test + " fails"), Seen: "it fails", Verdict: pass}
		if err := m.noticed(ctx); err != nil {
			v.Seen, v.Verdict = Figure(err.Error()), fail
		}
		out = append(out, v)
	}
	return out
}

// noticed returns nil if the named test fails on the seeded bug, and passes
// without it.
func (m Mutation) noticed(ctx context.Context) error {
	if out, err := m.test(ctx, ""); err != nil {
		return fmt.Errorf("without the bug %s does not pass: %s", m.Test, lastLines(out))
	}
	dir, err := os.MkdirTemp("", "noised-mutation-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	overlay, err := m.seed(dir)
	if err != nil {
		return err
	}
	out, err := m.test(ctx, overlay)
	var exit *exec.ExitError
	switch {
	case err == nil:
		return errors.New("the test passes with the bug")
	case !errors.As(err, &exit):
		return err
	case !strings.Contains(out, "--- FAIL: Test"):
		return fmt.Errorf("the bug does not run: %s", lastLines(out))
	}
	return nil
}

// seed writes the files with the bug and the overlay that puts them in place.
func (m Mutation) seed(dir string) (string, error) {
	replace := map[string]string{}
	texts := map[string]string{}
	for _, e := range m.Edits {
		path, err := filepath.Abs(filepath.FromSlash(e.File))
		if err != nil {
			return "", err
		}
		text, ok := texts[path]
		if !ok {
			b, err := os.ReadFile(path)
			if err != nil {
				return "", err
			}
			text = string(b)
		}
		if n := strings.Count(text, e.Old); n != 1 {
			return "", fmt.Errorf("%s has %q %d times: the mutation is out of date", e.File, e.Old, n)
		}
		texts[path] = strings.Replace(text, e.Old, e.New, 1)
	}
	for path, text := range texts {
		copied := filepath.Join(dir, fmt.Sprintf("%d_%s", len(replace), filepath.Base(path)))
		if err := os.WriteFile(copied, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[path] = copied
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, text, 0o600)
}

// test runs the named test, with an overlay if one is given.
func (m Mutation) test(ctx context.Context, overlay string) (string, error) {
	args := []string{"test", "-timeout", "5m", "-vet=off", "-run", "^" + m.Test + "$"}
	if overlay != "" {
		args = append(args, "-overlay", overlay, "-count=1")
	}
	if m.Tags != "" {
		args = append(args, "-tags", m.Tags)
	}
	c := exec.CommandContext(ctx, "go", append(args, m.Package)...)
	c.Env = append(os.Environ(), "RAPID_NOFAILFILE=1") // what fails here is no example to keep
	out, err := c.CombinedOutput()
	if err == nil && strings.Contains(string(out), "no tests to run") {
		err = errors.New("no such test")
	}
	return string(out), err
}

// lastLines returns the end of a test's output, on one line.
func lastLines(out string) string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], " | ")
}
