// Package scripttest runs the text scripts by which the steps of a query are
// tested: files testdata/*.txt of blocks that an empty line separates, each a
// question and what comes of it. It is for tests only.
//
// A step says what a block comes to; a run that differs from the file fails and
// shows the difference, and the flag -update rewrites the file, to be read before
// it is committed.
package scripttest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/privacy"
)

// Run runs every script of the package under test. block returns what a block,
// as it stands in the file, is to look like: its question and the answer.
func Run(t *testing.T, update *bool, block func(t *testing.T, block string) string) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, b := range strings.Split(strings.TrimSpace(string(want)), "\n\n") {
				got = append(got, strings.TrimRight(block(t, b), "\n")+"\n")
			}
			out := strings.Join(got, "\n")
			if *update {
				if err := os.WriteFile(file, []byte(out), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(want), out); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Update declares the flag that rewrites scripts.
func Update() *bool { return flag.Bool("update", false, "rewrite the expected output of the scripts") }

// Question splits a block into its head, which is kept as it is (comments and
// the question), and the question: the lines that begin with "> ".
func Question(block string) (head, question []string) {
	for _, line := range strings.Split(block, "\n") {
		if strings.HasPrefix(line, "#") {
			head = append(head, line)
		}
		if q, ok := strings.CutPrefix(line, "> "); ok {
			head, question = append(head, line), append(question, q)
		}
	}
	return head, question
}

// Refusal shows an error as scripts do: its code, position, message and
// suggestion.
func Refusal(err error) string {
	e := privacy.AsError(err)
	out := fmt.Sprintf("%s at %d: %s\n", e.Code, e.Position, e.Message)
	if e.Suggestion != "" {
		out += "  instead: " + e.Suggestion + "\n"
	}
	return out
}
