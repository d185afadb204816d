package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/blackbox"
	"github.com/noised/noised/privacy/controldb/schema"
)

// TestDirectoriesOfEveryVersionOpen takes data directories that earlier versions left
// (testdata/released/make.sh makes them), and checks that this one says what it would
// do, answers as they did and anew, loads, backs up, and can go back to the store that
// they had.
func TestDirectoriesOfEveryVersionOpen(t *testing.T) {
	all, err := filepath.Glob("testdata/released/*.tar.gz")
	check(t, err)
	if len(all) < 4 {
		t.Fatalf("only %d directories are there", len(all))
	}
	for _, archive := range all {
		t.Run(strings.TrimSuffix(filepath.Base(archive), ".tar.gz"), func(t *testing.T) { openReleased(t, archive) })
	}
}

// released is a directory of an earlier version, with the server of this one.
type released struct {
	*site
	root string
}

func openReleased(t *testing.T, archive string) {
	r := unpack(t, archive)
	was := r.digest()
	mark := filepath.Join(t.TempDir(), "mark")
	check(t, program.Run(t.Context(), "upgrade", "--check", "--data-dir", r.dir))
	check(t, program.Run(t.Context(), "upgrade", "--rehearse", "--data-dir", r.dir))
	backup, key := filepath.Join(t.TempDir(), "backup"), filepath.Join(t.TempDir(), "key")
	for range 2 {
		check(t, program.Run(t.Context(), "backup", "--data-dir", r.dir, "--to", backup, "--key-file", key))
	}
	check(t, program.Run(t.Context(), "backup", "verify", "--from", backup, "--key-file", key))
	check(t, program.Run(t.Context(), "restore", "--from", backup, "--key-file", key, "--snapshot", "1", "--to", filepath.Join(t.TempDir(), "back")))
	if r.digest() != was {
		t.Fatal("looking changed the control store")
	}
	check(t, program.Run(t.Context(), "ledger", "accept", "--data-dir", r.dir, "--high-water-file", mark, "--yes"))
	r.start("--high-water-file", mark)
	r.sameAsBefore()
	r.wantCounts(600, 400)
	r.load("north", 100)
	r.wantCounts(700, 400)
	r.rejects()
	check(t, program.Run(t.Context(), "log", "verify", "--data-dir", r.dir))

	check(t, program.Run(t.Context(), "backup", "--data-dir", r.dir, "--to", backup, "--key-file", key))
	check(t, program.Run(t.Context(), "backup", "verify", "--from", backup, "--key-file", key, "--all"))
	copies, err := filepath.Glob(filepath.Join(r.dir, "upgrade", "*"))
	check(t, err)
	why := "stop it first"
	if len(copies) == 0 { // it was made by a program that had every migration of this one
		why = "there is no copy from before an upgrade"
	}
	if err := program.Run(t.Context(), "upgrade", "--back", "--data-dir", r.dir, "--yes"); err == nil || !strings.Contains(err.Error(), why) {
		t.Errorf("going back under a server: %v", err)
	}
	check(t, r.Stop())
	if len(copies) == 0 {
		return
	}
	check(t, program.Run(t.Context(), "upgrade", "--back", "--data-dir", r.dir, "--yes"))
	if r.digest() != was {
		t.Error("the way back leads to another control store")
	}
	notServed(t, r.dir, "older than its high-water mark", "--high-water-file", mark)
	notServed(t, r.dir, "was restored")
}

// TestASealedDirectoryOfEveryVersionNeedsItsKeyset: without it such a directory is not
// served, and without the extension it is read, but not where encryption is required.
func TestASealedDirectoryOfEveryVersionNeedsItsKeyset(t *testing.T) {
	r := unpack(t, "testdata/released/v2-sealed.tar.gz")
	notServed(t, r.dir, "data files and their temporary files are not encrypted: name DuckDB's httpfs extension", "--require-encryption")
	keyset := r.dir + ".keyset"
	check(t, os.Rename(keyset, keyset+".away"))
	notServed(t, r.dir, "is encrypted and its keyset")
	check(t, os.Rename(keyset+".away", keyset))
	r.start()
	r.sameAsBefore()
	r.wantCounts(600, 400)
	if !strings.Contains(r.Log(), "data files and their temporary files are not encrypted") {
		t.Errorf("the server does not say what is not encrypted\n%s", r.Log())
	}
}

func unpack(t *testing.T, archive string) *released {
	t.Helper()
	root := t.TempDir()
	check(t, blackbox.Unpack(archive, root))
	r := &released{root: root, site: &site{t: t, dir: filepath.Join(root, "data"), Parties: &blackbox.Parties{
		Dataset: "visits", Tenants: []string{"north", "south"}, Budget: map[string]string{}, Loader: map[string]string{},
	}}}
	r.Operator, r.Analyst = r.text("operator"), r.text("analyst")
	for _, tenant := range r.Tenants {
		r.Budget[tenant], r.Loader[tenant] = r.text(tenant+".budget-admin"), r.text(tenant+".contributor")
	}
	return r
}

func (r *released) text(name string) string {
	r.t.Helper()
	text, err := os.ReadFile(filepath.Join(r.root, name))
	check(r.t, err)
	return strings.TrimSpace(string(text))
}

// digest is over all that the control store has, which nobody uses.
func (r *released) digest() string {
	r.t.Helper()
	db, err := schema.Open(filepath.Join(r.dir, "control.db"))
	check(r.t, err)
	defer db.Close()
	digest, err := schema.Digest(r.t.Context(), db)
	check(r.t, err)
	return digest
}

// sameAsBefore asks what was asked before: the answer is the stored one, free.
func (r *released) sameAsBefore() {
	r.t.Helper()
	var before wire.TenantBudget
	check(r.t, json.Unmarshal([]byte(r.text("budget.json")), &before))
	request := r.query(wire.QueryRequest{SQL: "SELECT ward, COUNT(*) AS n, SUM(days) AS d FROM visits GROUP BY ward", Epsilon: ptr(20.0)})
	request.header = map[string]string{"Accept": wire.TypeCSV}
	a := r.call(request)
	if a.status != http.StatusOK || strings.TrimSpace(string(a.body)) != r.text("answer.csv") || a.header.Get(wire.HeaderCached) != "true" {
		r.t.Errorf("the answer of before is now %d %s, cached %s", a.status, a.body, a.header.Get(wire.HeaderCached))
	}
	now, err := r.api(r.Budget["north"]).TenantBudget(r.t.Context(), "north")
	check(r.t, err)
	if now.Spent.Rho != before.Spent.Rho || now.Remaining.Rho > before.Remaining.Rho {
		r.t.Errorf("spent %v and left %v before, now %v and %v", before.Spent, before.Remaining, now.Spent, now.Remaining)
	}
}

// wantCounts asks anew how many rows each ward has.
func (r *released) wantCounts(a, b float64) {
	r.t.Helper()
	request := r.query(wire.QueryRequest{SQL: "SELECT ward, COUNT(*) AS n FROM visits GROUP BY ward", Epsilon: ptr(20 + a*1e-6)})
	request.header = map[string]string{"Accept": wire.TypeJSON}
	answer := r.call(request)
	var rows []struct {
		Ward string
		N    float64
	}
	if answer.status != http.StatusOK {
		r.t.Fatalf("%d %s\n%s", answer.status, answer.body, r.Log())
	}
	check(r.t, json.Unmarshal(answer.body, &rows))
	// A unit's L2 sensitivity is under 6 and ε is 20: the deviation is under 2, and 30
	// is beyond fifteen of them.
	for i, want := range []float64{a, b} {
		if len(rows) != 2 || math.Abs(rows[i].N-want) > 30 {
			r.t.Errorf("the counts are %v, want about %v and %v", rows, a, b)
			return
		}
	}
}

// load adds rows of new people in ward a.
func (r *released) load(tenant string, n int) {
	r.t.Helper()
	var rows bytes.Buffer
	rows.WriteString("patient,ward,days\n")
	for i := range n {
		fmt.Fprintf(&rows, "%d,a,%d\n", 1000+i, i%30)
	}
	api := r.api(r.Loader[tenant])
	load, err := api.Upload(r.t.Context(), wire.Upload{Dataset: "visits", Tenant: tenant, ContentType: wire.TypeCSV, Size: int64(rows.Len())}, &rows)
	check(r.t, err)
	load, err = api.Wait(r.t.Context(), load.ID, nil)
	check(r.t, err)
	if load.State != wire.LoadStateSucceeded || load.RowsLoaded != int64(n) {
		r.t.Errorf("the load %s with %d rows", load.State, load.RowsLoaded)
	}
}

// rejects reads the rows that an earlier load rejected.
func (r *released) rejects() {
	r.t.Helper()
	api := r.api(r.Loader["south"])
	loads, err := api.Loads(r.t.Context(), "", 10)
	check(r.t, err)
	for _, load := range loads.Items {
		if load.RowsRejected == 0 {
			continue
		}
		body, err := api.Rejects(r.t.Context(), load.ID)
		check(r.t, err)
		text, err := io.ReadAll(body)
		check(r.t, err)
		body.Close()
		if lines := bytes.Count(text, []byte("\n")); int64(lines) != load.RowsRejected {
			r.t.Errorf("%d rows were rejected, and %d are shown", load.RowsRejected, lines)
		}
		return
	}
	r.t.Errorf("no load of %d rejected a row", len(loads.Items))
}
