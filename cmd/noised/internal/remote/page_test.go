package remote

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/screen"
)

// TestAListLeadsFromPageToPage: what is said on standard error is how to get the next,
// and standard output has the page alone.
func TestAListLeadsFromPageToPage(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Query().Get("cursor") == "c1" {
			fmt.Fprint(w, `{"items": [{"signal": "second"}]}`)
			return
		}
		fmt.Fprintf(w, `{"items": [{"signal": "first, of %s"}], "next": "c1"}`, r.URL.Query().Get("limit"))
	}))
	t.Cleanup(server.Close)
	for _, c := range []struct {
		args     []string
		out, err string
	}{
		{[]string{"--limit", "1"}, "  signal\n  ───────────\n  first, of 1\n", "there is more: add --cursor c1\n"},
		{[]string{"--cursor", "c1"}, "  signal\n  ──────\n  second\n", ""},
	} {
		var stdout, stderr bytes.Buffer
		a := &command.App{Stdout: &stdout, Stderr: &stderr, Getenv: func(string) string { return "key" }}
		list := InPages(a, &cobra.Command{}, (*wire.API).Alerts, func(l wire.AlertList) (*screen.Grid, *string) {
			g := &screen.Grid{Header: []string{"signal"}}
			for _, alert := range l.Items {
				g.Add(string(alert.Signal))
			}
			return g, l.Next
		})
		list.SetArgs(append(c.args, "--url", server.URL))
		if err := list.ExecuteContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		if stdout.String() != c.out || stderr.String() != c.err {
			t.Errorf("%v: %q and %q, want %q and %q", c.args, &stdout, &stderr, c.out, c.err)
		}
	}
}
