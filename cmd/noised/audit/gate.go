package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
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

// atOnce is how many bugs are tried at a time: what takes longest, linking a test, uses
// one processor and a gigabyte of memory.
const atOnce = 2

// chosen returns the mutations whose verdicts have only in their names.
func chosen(only string) []Mutation {
	return slices.DeleteFunc(mutations(), func(m Mutation) bool { return !strings.Contains("mutation-"+m.Name, only) })
}

// runMutations seeds each bug.
func runMutations(ctx context.Context, chosen []Mutation) []Verdict {
	healthy := withoutBugs(ctx, chosen)
	out := make([]Verdict, len(chosen))
	var trying errgroup.Group
	trying.SetLimit(atOnce)
	for i, m := range chosen {
		trying.Go(func() error {
			out[i] = Verdict{Test: "mutation-" + m.Name, Samples: 1, Bound: Figure(m.Test + " fails"), Seen: "it fails", Verdict: pass}
			if err := m.noticed(ctx, healthy[m.suite()]); err != nil {
				out[i].Seen, out[i].Verdict = Figure(err.Error()), fail
			}
			return nil // what was found is the verdict
		})
	}
	_ = trying.Wait()
	return out
}

// suite is the tests of one package, as one build of them has them.
type suite struct{ pkg, tags string }

func (m Mutation) suite() suite { return suite{m.Package, m.Tags} }

// withoutBugs runs the named tests of every package on the code as it is, those of a
// package together, and returns what they print.
func withoutBugs(ctx context.Context, all []Mutation) map[suite]string {
	named := map[suite][]string{}
	for _, m := range all {
		if !slices.Contains(named[m.suite()], m.Test) {
			named[m.suite()] = append(named[m.suite()], m.Test)
		}
	}
	said := map[suite]string{}
	var mu sync.Mutex
	var running errgroup.Group
	running.SetLimit(atOnce)
	for s, tests := range named {
		running.Go(func() error {
			out, _ := s.test(ctx, "", tests...) // a test that did not pass did not print that it had
			mu.Lock()
			defer mu.Unlock()
			said[s] = out
			return nil
		})
	}
	_ = running.Wait()
	return said
}

// noticed returns nil if the named test fails on the seeded bug, and passes
// without it, as the output of its package's tests must say.
func (m Mutation) noticed(ctx context.Context, healthy string) error {
	if !strings.Contains("\n"+healthy, "\n--- PASS: "+m.Test+" (") {
		return fmt.Errorf("without the bug %s does not pass: %s", m.Test, lastLines(healthy))
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
	out, err := m.suite().test(ctx, overlay, m.Test)
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

// test runs the named tests, with an overlay if one is given.
func (s suite) test(ctx context.Context, overlay string, names ...string) (string, error) {
	args := []string{"test", "-v", "-timeout", "20m", "-vet=off", "-run", "^(" + strings.Join(names, "|") + ")$"}
	if overlay != "" {
		args = append(args, "-overlay", overlay, "-count=1")
	}
	if s.tags != "" {
		args = append(args, "-tags", s.tags)
	}
	c := exec.CommandContext(ctx, "go", append(args, s.pkg)...)
	c.Env = append(os.Environ(), "RAPID_NOFAILFILE=1") // what fails here is no example to keep
	out, err := c.CombinedOutput()
	return string(out), err
}

// lastLines returns the end of a test's output, on one line.
func lastLines(out string) string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], " | ")
}
