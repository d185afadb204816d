//go:build audit

package e2e

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/noised/noised/api/wire"
)

// canaries are tokens of 128 bits that must be found nowhere but where they
// belong.
type canaries struct{ tokens []string }

func (c *canaries) fresh() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	c.tokens = append(c.tokens, hex.EncodeToString(b))
	return c.tokens[len(c.tokens)-1]
}

// in reports the first canary that a text holds.
func (c *canaries) in(text []byte) (string, bool) {
	for _, token := range c.tokens {
		if bytes.Contains(text, []byte(token)) {
			return token, true
		}
	}
	return "", false
}

// TestAuditAttack17Canaries plants tokens in values, keys, unit ids and in SQL,
// makes everything go wrong that can, and looks for them: in answers and errors,
// headers, logs, metrics, and in every file outside the tenant's own directory.
// When the tenant's data has been replaced and the people were erased, no file holds
// one any more: not the files that were replaced and are otherwise kept, not those of
// rejected rows, not the store, and no log of the server.
func TestAuditAttack17Canaries(t *testing.T) {
	contract := `
dataset: birds
version: 1
privacy_unit: {column: person, scope: tenant}
contribution: {max_partitions: 3, max_rows_per_partition: 3}
columns:
  person: {type: varchar, role: unit}
  key:    {type: varchar, role: dimension, domain: private}
  kind:   {type: varchar, role: dimension, domain: {values: [a, b]}}
  x:      {type: integer, role: measure, bounds: [0, 10]}
`
	var c canaries
	var file strings.Builder
	var people []string
	file.WriteString("person,key,kind,x\n")
	for i := range 300 {
		people = append(people, "u"+c.fresh())
		fmt.Fprintf(&file, "%s,k%s,%s,%d\n", people[i], c.fresh(), []string{"a", "b", c.fresh()}[i%3], i%11)
	}
	for range 20 { // rows that are rejected
		fmt.Fprintf(&file, "u%s,k%s,a,not-%s\n", c.fresh(), c.fresh(), c.fresh())
	}
	metrics, temp := freeAddress(t), t.TempDir()
	t.Setenv("TMPDIR", temp)
	s := build(t, contract, map[string]string{"t": "person,key,kind,x\n"}, "--metrics-listen", metrics, "--log-level", "debug")
	loaded := s.sendFile("t", wire.TypeCSV, file.String(), "?max_bad_records=1000")
	if loaded.RowsRejected != 20 {
		t.Fatalf("%d rows were rejected, want 20", loaded.RowsRejected)
	}
	var seen bytes.Buffer
	look := func(a answer) {
		fmt.Fprintf(&seen, "%d %v\n%s\n", a.status, a.header, a.body)
	}
	literal := c.fresh()
	for i, sql := range []string{
		"SELECT key, COUNT(*) AS n FROM birds GROUP BY key", "SELECT kind, COUNT(*) AS n, AVG(x) AS m FROM birds GROUP BY kind",
		"SELECT COUNT(DISTINCT key) AS n FROM birds", "SELECT COUNT(*) AS n FROM birds WHERE CAST(key AS INTEGER) = 1",
		"SELECT lower(key) AS k, COUNT(*) AS n FROM birds GROUP BY 1", "SELECT MEDIAN(x) AS m FROM birds",
		"SELECT person FROM birds", "SELECT nothing FROM birds", "SELECT COUNT(*) FROM",
	} {
		look(s.call(s.query(wire.QueryRequest{SQL: sql, Epsilon: ptr(1 + 1e-6*float64(i))})))
		x := s.query(wire.QueryRequest{SQL: sql})
		x.path = "/v1/explain"
		look(s.call(x))
	}
	asked := s.call(s.query(wire.QueryRequest{SQL: "SELECT COUNT(*) AS n FROM birds WHERE key = '" + literal + "'"}))
	if asked.status != http.StatusOK {
		t.Fatalf("%d %s", asked.status, asked.body)
	}
	look(asked)
	for _, path := range []string{"/v1/datasets", "/v1/datasets/birds", "/healthz", "/readyz", "/v1/openapi.json"} {
		look(s.call(request{key: s.Analyst, method: http.MethodGet, path: path}))
	}
	look(s.call(request{key: s.Budget["t"], method: http.MethodGet, path: "/v1/admin/tenants/t/charges"}))
	look(s.call(request{key: s.Operator, method: http.MethodGet, path: "/v1/admin/tenants"}))
	figures, err := http.Get("http://" + metrics + "/metrics")
	check(t, err)
	_, err = seen.ReadFrom(figures.Body)
	check(t, err)
	_ = figures.Body.Close()
	seen.WriteString(s.Log())
	if token, found := c.in(seen.Bytes()); found {
		at := bytes.Index(seen.Bytes(), []byte(token))
		t.Errorf("a canary left: …%s…", seen.Bytes()[max(0, at-200):min(seen.Len(), at+60)])
	}
	looked := seen.Len()

	// Files of others: the control store keeps an analyst's own SQL with his
	// releases, so that the literal is his to read; nothing of the rows is there.
	c.tokens = c.tokens[:len(c.tokens)-1]
	own := filepath.Join(s.dir, "tenants", "t")
	looked += c.notIn(t, s.dir, own) + c.notIn(t, temp, own)

	s.sendFile("t", wire.TypeCSV, strings.Join(strings.Split(file.String(), "\n")[:100], "\n"), "?write=replace")
	if c.count(t, own, "") == 0 {
		t.Error("there is nothing to erase")
	}
	s.erase("t", people...)
	looked += c.notIn(t, s.dir, "") + c.notIn(t, temp, "")
	if token, found := c.in([]byte(s.Log())); found {
		t.Errorf("the server logged %s", token)
	}
	verdict(t, "attack-17", looked, 0, 0)
}

// notIn reports canaries in files below a directory and returns how many bytes
// it looked at.
func (c *canaries) notIn(t *testing.T, dir, except string) (looked int) {
	t.Helper()
	walk(t, dir, except, func(path string, text []byte) {
		looked += len(text)
		if _, found := c.in(text); found {
			t.Errorf("a canary is in %s", path)
		}
	})
	return looked
}

// count counts the files below a directory that hold a canary.
func (c *canaries) count(t *testing.T, dir, except string) (n int) {
	t.Helper()
	walk(t, dir, except, func(_ string, text []byte) {
		if _, found := c.in(text); found {
			n++
		}
	})
	return n
}

func walk(t *testing.T, dir, except string, visit func(path string, text []byte)) {
	t.Helper()
	check(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if path == except {
			return filepath.SkipDir
		}
		if !d.Type().IsRegular() {
			return nil
		}
		text, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			return nil
		}
		visit(path, text)
		return err
	}))
}
