//go:build vault

package suite

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/blackbox"
)

const birds = `dataset: birds
version: 1
privacy_unit: {column: person, scope: tenant}
contribution: {max_partitions: 3, max_rows_per_partition: 3}
columns:
  person: {type: varchar, role: unit}
  key:    {type: varchar, role: dimension, domain: private}
  x:      {type: integer, role: measure, bounds: [0, 10]}
`

// garden is a data directory into which tokens are put in every way that there is.
type garden struct {
	*aviary
	t       *testing.T
	dir     string
	flags   []string
	server  *blackbox.Server
	parties *blackbox.Parties
}

func newGarden(t *testing.T, sealed bool, flags ...string) *garden {
	t.Helper()
	g := &garden{aviary: newAviary(), t: t, dir: filepath.Join(t.TempDir(), "data"), flags: append([]string{"--log-level", "debug"}, flags...)}
	key, err := program.Init(t.Context(), g.dir)
	check(t, err)
	if !sealed {
		check(t, os.Remove(g.dir+".keyset"))
	}
	g.start()
	t.Cleanup(func() { _ = g.server.Kill() })
	g.parties, err = blackbox.SetUp(t.Context(), g.server, key, []byte(birds), []string{"t"})
	check(t, err)
	check(t, g.parties.SetBudgets(t.Context(), g.server, wire.Loss{Epsilon: 1000, Delta: 1e-3}, wire.Loss{Epsilon: 1000, Delta: 1e-3}))
	return g
}

func (g *garden) start() {
	g.t.Helper()
	var err error
	g.server, err = program.Start(g.t.Context(), g.dir, g.flags...)
	check(g.t, err)
}

func (g *garden) api(key string) *wire.API {
	g.t.Helper()
	api, err := g.server.API(key)
	check(g.t, err)
	return api
}

// search looks everywhere.
func (g *garden) search(stage string) {
	g.t.Helper()
	g.look(g.t, stage, g.dir, g.server.Log())
}

// file makes a CSV file of so many rows, of which some are rejected.
func (g *garden) file(rows int) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, "person,key,x,%s\n", g.fresh("name of a column"))
	person, key := g.fresh("unit id"), g.fresh("group key")
	for i := range rows {
		switch {
		case i%1000 == 7 && i < 5000:
			fmt.Fprintf(&out, "u,k,%s,\n", g.fresh("rejected value"))
		case i == rows/2:
			person, key = g.fresh("unit id"), g.fresh("group key")
		}
		fmt.Fprintf(&out, "%s-%d,%s,%d,\n", person, i, key, i%10)
	}
	sum := sha256.Sum256(out.Bytes())
	g.plant("digest of a file", []byte(hex.EncodeToString(sum[:])))
	return out.Bytes()
}

// upload sends a file and searches while half of it is on its way, and ceaselessly
// until the load has ended.
func (g *garden) upload(stage string, body []byte, encoding string, maxBad int64) wire.Load {
	g.t.Helper()
	r, w := io.Pipe()
	go func() {
		_, err := w.Write(body[:len(body)/2])
		if err == nil {
			g.search(stage + ", arriving")
			_, err = w.Write(body[len(body)/2:])
		}
		_ = w.CloseWithError(err) // io.EOF when nil
	}()
	api := g.api(g.parties.Loader["t"])
	load, err := api.Upload(g.t.Context(), wire.Upload{Dataset: "birds", Tenant: "t", ContentType: wire.TypeCSV, ContentEncoding: encoding, MaxBadRecords: &maxBad}, r)
	check(g.t, err)
	done := make(chan struct{})
	var looking sync.WaitGroup
	looking.Go(func() {
		for {
			g.search(stage + ", loading")
			select {
			case <-done:
				return
			default:
			}
		}
	})
	load, err = api.Wait(g.t.Context(), load.ID, nil)
	close(done)
	looking.Wait()
	check(g.t, err)
	g.search(stage + ", loaded")
	return load
}

// ask asks a question with tokens in it.
func (g *garden) ask() {
	g.t.Helper()
	sql := fmt.Sprintf("SELECT COUNT(*) AS %s FROM birds WHERE key <> '%s'", g.fresh("alias"), g.fresh("literal"))
	purpose, epsilon := wire.Purpose(g.fresh("purpose")), 0.5
	res, err := g.api(g.parties.Analyst).Query(g.t.Context(), wire.QueryRequest{SQL: sql, Epsilon: &epsilon, Purpose: &purpose},
		wire.QueryOptions{IdempotencyKey: g.fresh("idempotency key")})
	check(g.t, err)
	_, err = io.Copy(io.Discard, res.Body)
	check(g.t, errors.Join(err, res.Body.Close()))
}

// knock makes requests that are answered with secrets, and that are refused.
func (g *garden) knock() {
	g.t.Helper()
	post := func(key, path, body string) string {
		req, err := http.NewRequestWithContext(g.t.Context(), http.MethodPost, g.server.URL+path, strings.NewReader(body))
		check(g.t, err)
		req.Header.Set("Authorization", "Bearer "+key)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", g.fresh("idempotency key of an answer"))
		res, err := http.DefaultClient.Do(req)
		check(g.t, err)
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		check(g.t, err)
		return string(text)
	}
	answer := post(g.parties.Operator, "/v1/admin/keys", `{"role": "analyst", "name": "n"}`)
	_, rest, ok := strings.Cut(answer, `noised_`)
	issued, _, _ := strings.Cut(rest, `"`)
	if !ok || len(issued) < 32 {
		g.t.Fatalf("no key in %s", answer)
	}
	g.plant("an API key", []byte(issued))
	post(g.parties.Analyst, "/v1/query", `{"sql": "SELECT `+g.fresh("refused SQL")+` FROM birds"}`)
	if _, err := g.api(g.parties.Analyst).Dataset(g.t.Context(), g.fresh("refused name")); err == nil {
		g.t.Error("there is such a dataset")
	}
	if _, err := g.api(g.parties.Operator).Refusals(g.t.Context(), wire.RefusalSearch{}); err != nil {
		g.t.Error(err) // reading them has them written
	}
}

// live puts tokens everywhere, makes things fail, and searches at every stage.
func (g *garden) live() {
	g.t.Helper()
	load := g.upload("plain upload", g.file(60_000), "", 100)
	if load.State != wire.LoadStateSucceeded || load.RowsRejected == 0 {
		g.t.Fatalf("%+v", load)
	}
	if load = g.upload("failed upload", g.file(20_000), "", 0); load.State != wire.LoadStateFailed {
		g.t.Fatalf("%+v", load)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write(g.file(20_000))
	check(g.t, errors.Join(err, z.Close()))
	g.plantBytes("compressed upload", packed.Bytes())
	g.upload("compressed upload", packed.Bytes(), "gzip", 100)
	g.ask()
	g.knock()
	g.search("asked")

	// A server that is killed in the middle of a load.
	body := g.file(100_000)
	bad := int64(100)
	_, err = g.api(g.parties.Loader["t"]).Upload(g.t.Context(), wire.Upload{Dataset: "birds", Tenant: "t", ContentType: wire.TypeCSV, MaxBadRecords: &bad, Size: int64(len(body))}, bytes.NewReader(body))
	check(g.t, err)
	g.search("before the kill")
	check(g.t, g.server.Kill())
	g.search("killed")
	g.start()
	g.ask()
	check(g.t, g.server.Stop())
	g.search("stopped")
}

// TestNothingIsInClear looks for tokens in every file of a data directory, at every
// stage of a load and after it, after failures, kills and answers. With encryption
// there is none. Without it there are, wherever they are expected: so the search finds
// what there is to find.
func TestNothingIsInClear(t *testing.T) {
	plain := newGarden(t, false)
	plain.live()
	for kind, place := range map[string]string{
		"unit id": "spool/", "group key": ".duckdb", "rejected value": "rejects/", "name of a column": "control.db", "compressed upload": "spool/",
		"digest of a file": "control.db", "alias": "control.db", "literal": "control.db", "purpose": "control.db", "idempotency key": "control.db", "refused name": "control.db",
	} {
		seen := false
		for where := range plain.found[kind] {
			seen = seen || strings.Contains(where, place)
		}
		if !seen {
			t.Errorf("without encryption the search does not find the %s in %s", kind, place)
		}
	}
	for _, kind := range []string{"an API key", "refused SQL", "idempotency key of an answer"} {
		if len(plain.found[kind]) > 0 {
			t.Errorf("stored in clear without need: the %s in %v", kind, plain.found[kind])
		}
	}

	sealed := newGarden(t, true, "--crypto-extension", extension(t), "--require-encryption")
	sealed.live()
	found := sealed.places()
	for _, place := range found {
		t.Errorf("in clear: the %s", place)
	}
	t.Logf("looked through %d MB", (plain.looked+sealed.looked)>>20)
	report(t, "canaries_found", len(found))
	report(t, "canaries_found_plain", len(plain.places()))
}

// TestWhatWasInClearIsSealed gives a directory a keyset that had none: when sealing
// has ended only data files that were not written since have anything in clear.
func TestWhatWasInClearIsSealed(t *testing.T) {
	g := newGarden(t, false)
	g.live()
	g.start()
	check(t, program.Run(t.Context(), "keyring", "init", "--data-dir", g.dir))
	if err := program.Run(t.Context(), "keyring", "seal", "--data-dir", g.dir); err == nil || !strings.Contains(err.Error(), "a server runs") {
		t.Errorf("sealing under a server that has no keyset: %v", err)
	}
	g.ask()
	check(t, g.server.Stop())
	check(t, program.Run(t.Context(), "keyring", "seal", "--data-dir", g.dir))
	g.found = map[string]map[string]bool{}
	g.look(t, "sealed", g.dir, "")
	for _, place := range g.places() {
		if !strings.HasSuffix(place, ".duckdb") && !strings.Contains(place, "spool/") {
			t.Errorf("in clear still: the %s", place)
		}
	}
	if len(g.found) == 0 {
		t.Error("nothing is in clear: data files are not written anew by sealing")
	}
	g.start()
	if _, err := g.api(g.parties.Analyst).Releases(t.Context(), "", 10); err != nil {
		t.Error(err)
	}
	g.ask()
	check(t, g.server.Stop())
}
