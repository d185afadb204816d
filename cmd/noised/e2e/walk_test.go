package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// walks are the pages whose commands are run, with the fewest that each has.
var walks = map[string]int{"governance.md": 30, "operations.md": 30, "log.md": 30, "threat-model.md": 25}

// TestTheWalks runs the commands of pages of the documentation in the order in which
// they are read, each page's in one shell, on the built program. A command that
// fails, or that does not fail where it is written with a !, fails the test.
//
// An id that a reader is to put in is written with dots, as in load_…; what is put
// in is the last one of its kind that a command printed.
func TestTheWalks(t *testing.T) {
	for page, least := range walks {
		t.Run(page, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(filepath.FromSlash("../../../docs"), page))
			check(t, err)
			commands := commandsOf(t, string(text))
			if len(commands) < least {
				t.Fatalf("only %d commands are in the document", len(commands))
			}
			w := newReader(t)
			for _, c := range commands {
				w.run(c)
			}
		})
	}
}

// command is one of a document, with its line there.
type command struct {
	line int
	text string
}

// commandsOf returns the commands in the document's blocks of sh: as many lines each
// as the shell needs for a whole one. Blocks of shell (in full) are examples for
// other set-ups, and not run.
func commandsOf(t *testing.T, document string) []command {
	t.Helper()
	var all []command
	var open command
	inside := false
	for i, line := range strings.Split(document, "\n") {
		if strings.HasPrefix(line, "```") {
			if open.text != "" {
				t.Fatalf("line %d: the block ends within a command:\n%s", i+1, open.text)
			}
			inside = line == "```sh"
			continue
		}
		if !inside || open.text == "" && (strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#")) {
			continue
		}
		if open.text == "" {
			open.line = i + 1
		}
		open.text += line + "\n"
		if whole(t, open.text) {
			all, open = append(all, open), command{}
		}
	}
	return all
}

// whole reports whether the shell takes a text as it is: it warns of a document that
// does not end, and fails on other things that do not.
func whole(t *testing.T, text string) bool {
	t.Helper()
	if strings.HasSuffix(text, "\\\n") {
		return false
	}
	said, err := exec.CommandContext(t.Context(), "bash", "-n", "-c", text).CombinedOutput()
	return err == nil && len(said) == 0
}

// reader is a shell that stays open from one command to the next.
type reader struct {
	t    *testing.T
	in   io.Writer
	out  *bufio.Reader
	last map[string]string // the last id of each kind that was printed
}

var (
	anID   = regexp.MustCompile(`\b(key|oidc|cert|load|ers|rel|prop|tpl|sus|req|ref|ale)_[0-9a-z]{10,}`)
	dotted = regexp.MustCompile(`\b([a-z]{2,8})_…`)
)

func newReader(t *testing.T) *reader {
	dir := t.TempDir()
	check(t, os.Symlink(absolute(t, program.Path), filepath.Join(dir, "noised")))
	at := freeAddress(t)
	shell := exec.CommandContext(context.WithoutCancel(t.Context()), "bash", "-o", "pipefail") // it is ended in order below
	shell.Dir = dir
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "NOISED_") {
			shell.Env = append(shell.Env, v)
		}
	}
	shell.Env = append(shell.Env, "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"), "NOISED_LISTEN="+at, "NOISED_URL=http://"+at)
	in, err := shell.StdinPipe()
	check(t, err)
	read, write := io.Pipe()
	shell.Stdout, shell.Stderr = write, write
	shell.WaitDelay = time.Minute
	check(t, shell.Start())
	t.Cleanup(func() {
		_, _ = io.WriteString(in, "kill $(jobs -p) 2>/dev/null; wait; exit 0\n")
		_ = in.Close()
		go func() { _, _ = io.Copy(io.Discard, read) }()
		if err := shell.Wait(); err != nil {
			t.Errorf("the shell did not end in order: %v", err)
		}
	})
	return &reader{t: t, in: in, out: bufio.NewReader(read), last: map[string]string{}}
}

// freeAddress returns an address that nobody listens on, for servers that are started
// later. Its port is none of those that the system gives to whoever asks for any, so
// that no connection of another test takes it meanwhile.
func freeAddress(t *testing.T) string {
	t.Helper()
	for {
		at := fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(20_000)) // Linux gives away those from 32768 on
		if free, err := net.Listen("tcp", at); err == nil {
			check(t, free.Close())
			return at
		}
	}
}

// mark follows what a command printed, with its status.
const mark = "-- end of command "

func (w *reader) run(c command) {
	w.t.Helper()
	text := dotted.ReplaceAllStringFunc(c.text, func(found string) string {
		kind := strings.TrimSuffix(found, "_…")
		if w.last[kind] == "" {
			w.t.Fatalf("line %d: no command before printed the id of a %s:\n%s", c.line, kind, c.text)
		}
		return w.last[kind]
	})
	_, err := fmt.Fprintf(w.in, "%s\nprintf '\\n%s%%d\\n' $?\n", text, mark)
	check(w.t, err)
	var printed strings.Builder
	for {
		line, err := w.out.ReadString('\n')
		check(w.t, err)
		if status, ok := strings.CutPrefix(line, mark); ok {
			if status != "0\n" {
				w.t.Fatalf("line %d ended with status %s%s\n%s", c.line, status, text, printed.String())
			}
			break
		}
		printed.WriteString(line)
	}
	for _, m := range anID.FindAllStringSubmatch(printed.String(), -1) {
		w.last[m[1]] = m[0]
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	check(t, err)
	return abs
}
