//go:build vault

package suite

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/noised/noised/api/wire"
)

// flock is a file of which everything is a token, with a group that so many are in that
// its key is released, and rows that are rejected.
func (g *garden) flock() []byte {
	people, _ := g.people()
	out := bytes.NewBuffer(people)
	popular := g.fresh("group key that is released")
	for i := range 2000 {
		fmt.Fprintf(out, "%s-%d,%s,%d,\n", g.fresh("unit id"), i, popular, i%10)
	}
	return out.Bytes()
}

// TestNothingIsLeftAfterADatasetIsDeleted fills a dataset in every way that there is:
// replaced, appended, rejected, failed, released, waiting. The server is killed as soon as
// it has said that the dataset is deleted. After the next start nothing of it is found in
// any file of the data directory; its log verifies, and what was spent is what it was.
func TestNothingIsLeftAfterADatasetIsDeleted(t *testing.T) {
	left := 0
	for name, sealed := range map[string]bool{"plain": false, "encrypted": true} {
		t.Run(name, func(t *testing.T) {
			var flags []string
			if sealed {
				flags = []string{"--crypto-extension", extension(t), "--require-encryption"}
			}
			g := newGarden(t, sealed, flags...)
			send := func(write wire.LoadWrite, bad int64, wait bool) {
				t.Helper()
				api, file := g.api(g.parties.Loader["t"]), g.flock()
				load, err := api.Upload(t.Context(), wire.Upload{
					Dataset: "birds", Tenant: "t", ContentType: wire.TypeCSV, Write: write, MaxBadRecords: &bad, Size: int64(len(file)),
				}, bytes.NewReader(file))
				check(t, err)
				if wait {
					_, err = api.Wait(t.Context(), load.ID, nil)
					check(t, err)
				}
			}
			send(wire.Append, 100, true)
			send(wire.Replace, 100, true)
			send(wire.Append, 100, true)
			send(wire.Append, 0, true) // fails
			epsilon := 100.0
			res, err := g.api(g.parties.Analyst).Query(t.Context(), wire.QueryRequest{SQL: "SELECT key, COUNT(*) AS n FROM birds GROUP BY key", Epsilon: &epsilon}, wire.QueryOptions{})
			check(t, err)
			shown, err := io.ReadAll(res.Body)
			check(t, errors.Join(err, res.Body.Close()))
			g.in("the answer", shown)
			if !g.found["group key that is released"]["the answer"] {
				t.Fatalf("the answer shows no token: %s", shown)
			}
			send(wire.Append, 100, false)
			send(wire.Append, 100, false)
			before := g.spent()
			check(t, g.api(g.parties.Operator).DeleteDataset(t.Context(), "birds"))
			check(t, g.server.Kill())
			g.start()

			var after *aviary
			tick := time.NewTicker(100 * time.Millisecond)
			defer tick.Stop()
			for deadline := time.Now().Add(time.Minute); ; <-tick.C {
				after = &aviary{tokens: g.tokens, found: map[string]map[string]bool{}}
				after.look(t, "deleted", g.dir, g.server.Log())
				if len(after.places()) == 0 || time.Now().After(deadline) {
					break
				}
			}
			for _, place := range after.places() {
				t.Errorf("left: the %s", place)
			}
			left += len(after.places())
			if now := g.spent(); now != before {
				t.Errorf("spent %s, and then %s", before, now)
			}
			if _, err := g.api(g.parties.Operator).ApplyContract(t.Context(), []byte(birds)); err == nil {
				t.Error("its name is used again")
			}
			g.verified()
		})
	}
	report(t, "canaries_after_deletion", left)
}

// spent is what the tenant's account has spent in all.
func (g *garden) spent() string {
	g.t.Helper()
	b, err := g.api(g.parties.Budget["t"]).TenantBudget(g.t.Context(), "t")
	check(g.t, err)
	text, err := json.Marshal(b)
	check(g.t, err)
	return string(text)
}

// verified has the log replayed, while the server runs.
func (g *garden) verified() {
	g.t.Helper()
	check(g.t, program.Run(g.t.Context(), "log", "verify", "--data-dir", g.dir))
}
