//go:build vault

package suite

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/blackbox"
)

// TestASealedDirectoryOfEveryVersionOpens takes a data directory that an earlier version
// left encrypted: everything in it is read, and what is added is encrypted too.
func TestASealedDirectoryOfEveryVersionOpens(t *testing.T) {
	root := t.TempDir()
	check(t, blackbox.Unpack("../../e2e/testdata/released/v2-sealed.tar.gz", root))
	text := func(name string) string {
		text, err := os.ReadFile(filepath.Join(root, name))
		check(t, err)
		return strings.TrimSpace(string(text))
	}
	s := &shelter{dir: filepath.Join(root, "data"), parties: &blackbox.Parties{
		Tenants: []string{"north", "south"}, Analyst: text("analyst"), Loader: map[string]string{"north": text("north.contributor")},
	}}
	s.want(t, 2, 0)
	s.start(t, "--crypto-extension", extension(t), "--require-encryption")
	t.Cleanup(func() { _ = s.server.Kill() })
	analyst, err := s.server.API(s.parties.Analyst)
	check(t, err)
	epsilon := 20.0
	r, err := analyst.Query(t.Context(), wire.QueryRequest{SQL: "SELECT ward, COUNT(*) AS n, SUM(days) AS d FROM visits GROUP BY ward", Epsilon: &epsilon}, wire.QueryOptions{Accept: wire.TypeCSV})
	check(t, err)
	defer r.Body.Close()
	var answer bytes.Buffer
	_, err = answer.ReadFrom(r.Body)
	check(t, err)
	if got := strings.TrimSpace(answer.String()); !r.Cached || got != text("answer.csv") {
		t.Errorf("the answer of before is now, cached: %v, %s", r.Cached, got)
	}

	var rows bytes.Buffer
	rows.WriteString("patient,ward,days\n")
	for i := range 100 {
		fmt.Fprintf(&rows, "%d,a,%d\n", 1000+i, i%30)
	}
	loader, err := s.server.API(s.parties.Loader["north"])
	check(t, err)
	load, err := loader.Upload(t.Context(), wire.Upload{Dataset: "visits", Tenant: "north", ContentType: wire.TypeCSV}, &rows)
	check(t, err)
	load, err = loader.Wait(t.Context(), load.ID, nil)
	check(t, err)
	if load.State != wire.LoadStateSucceeded || load.RowsLoaded != 100 {
		t.Errorf("the load %s with %d rows", load.State, load.RowsLoaded)
	}
	s.want(t, 3, 0)
	check(t, program.Run(t.Context(), "log", "verify", "--data-dir", s.dir))
}
