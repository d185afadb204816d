package flags_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/noised/noised/privacy/flags"
)

// written is a service on a file with a text.
type written struct {
	*flags.Service
	t    *testing.T
	path string
	log  *bytes.Buffer
}

func (w *written) write(text string) {
	w.t.Helper()
	if err := os.WriteFile(w.path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func open(t *testing.T, text string) *written {
	t.Helper()
	w := &written{t: t, path: filepath.Join(t.TempDir(), "flags.yaml"), log: &bytes.Buffer{}}
	w.write(text)
	var err error
	if w.Service, err = flags.Open(t.Context(), w.path, slog.New(slog.NewTextHandler(w.log, nil))); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	return w
}

// TestOn: the first rule that matches decides, then the default, and what the file
// does not speak of is on.
func TestOn(t *testing.T) {
	w := open(t, `
flags:
  joint-queries:
    rules:
    - {principal: key_lab, tenant: a, value: on}
    - {tenant: a, value: off}
    - {dataset: secret, value: off}
  person-scope:
    default: off
    rules: [{dataset: open, value: on}]
`)
	for _, c := range []struct {
		flag  string
		scope flags.Scope
		want  bool
	}{
		{flags.JointQueries, flags.Scope{Tenant: "b", Dataset: "open", Principal: "key_1"}, true},
		{flags.JointQueries, flags.Scope{Tenant: "a", Dataset: "open", Principal: "key_1"}, false},
		{flags.JointQueries, flags.Scope{Tenant: "a", Dataset: "secret", Principal: "key_lab"}, true},
		{flags.JointQueries, flags.Scope{Tenant: "b", Dataset: "secret", Principal: "key_lab"}, false},
		{flags.PersonScope, flags.Scope{Tenant: "a", Dataset: "open"}, true},
		{flags.PersonScope, flags.Scope{Tenant: "a", Dataset: "other"}, false},
		{flags.SharedReleases, flags.Scope{Tenant: "a", Dataset: "secret"}, true},
	} {
		if got := w.On(t.Context(), c.flag, c.scope); got != c.want {
			t.Errorf("%s for %+v: %v", c.flag, c.scope, got)
		}
	}
}

// TestServicesAreApart: two servers of one process do not share flags.
func TestServicesAreApart(t *testing.T) {
	one, two := open(t, "flags: {person-scope: {default: off}}"), open(t, "flags: {}")
	if one.On(t.Context(), flags.PersonScope, flags.Scope{}) || !two.On(t.Context(), flags.PersonScope, flags.Scope{}) {
		t.Error("they do")
	}
}

// bad are files that do not hold, and what is said of them.
var bad = map[string]string{
	"":                                      "empty",
	"flags: {joint-querys: {default: off}}": `no flag "joint-querys"`,
	"flags: {joint-queries: {base: off}}":   "base",
	"flag: {}":                              "flag",
	"flags: {joint-queries: {default: maybe}}":                                                   "default is on or off",
	"flags: {joint-queries: {default: false}}":                                                   "default is on or off",
	"flags: {joint-queries: {rules: [{tenant: a}]}}":                                             "rule 1: value is on or off",
	"flags: {joint-queries: {rules: [{value: off}]}}":                                            "rule 1 names neither",
	"flags: {joint-queries: {rules: [{region: eu, value: off}]}}":                                "region",
	"flags: {joint-queries: {default: off}, joint-queries: {default: on}}":                       "joint-queries",
	"flags: {}\n---\nflags: {joint-queries: {default: off}}":                                     "more than one document",
	"flags: {joint-queries: {rules: [" + strings.Repeat("{tenant: a, value: on},", 1001) + "]}}": "more than 1000 rules",
	"flags: {}\n#" + strings.Repeat("x", 256<<10):                                                "more than 262144 bytes",
}

// TestBadFilesDoNotStart, nor do they change what is in force: the flags stay as
// they were, and the log says so once.
func TestBadFilesDoNotStart(t *testing.T) {
	for text, want := range bad {
		path := filepath.Join(t.TempDir(), "flags.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := flags.Open(t.Context(), path, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %q", text, err, want)
		}
	}
	if _, err := flags.Open(t.Context(), filepath.Join(t.TempDir(), "none"), slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a file that is not there was read")
	}
}

func TestABadFileChangesNothing(t *testing.T) {
	w := open(t, "flags: {joint-queries: {default: off}}")
	isOn := func() bool { return w.On(t.Context(), flags.JointQueries, flags.Scope{Tenant: "a"}) }
	for text := range bad {
		w.write("flags: {joint-queries: {default: off}}")
		w.Reload()
		w.write(text)
		w.log.Reset()
		w.Reload()
		w.Reload()
		if isOn() || strings.Count(w.log.String(), "the flags in the file are refused") != 1 {
			t.Errorf("%.60q: on %v, log %s", text, isOn(), w.log)
		}
	}
	if err := os.Remove(w.path); err != nil {
		t.Fatal(err)
	}
	w.Reload()
	if isOn() {
		t.Error("without its file everything is on")
	}
	w.write("flags: {joint-queries: {rules: [{tenant: b, value: off}]}}")
	w.Reload()
	if !isOn() {
		t.Error("a good file was not read")
	}
	w.log.Reset()
	w.Reload()
	if w.log.Len() != 0 {
		t.Errorf("a file that has not changed was read: %s", w.log)
	}
	if err := os.Chmod(w.path, 0o666); err != nil {
		t.Fatal(err)
	}
	w.write("flags: {joint-queries: {default: off}}")
	w.Reload()
	if !isOn() || !strings.Contains(w.log.String(), "others may write it") {
		t.Errorf("a file that others may write was read: %s", w.log)
	}
}
