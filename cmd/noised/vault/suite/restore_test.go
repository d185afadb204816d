//go:build vault

package suite

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/blackbox"
)

const visitsContract = `
dataset: visits
version: 1
privacy_unit: {column: person, scope: person}
contribution: {max_partitions: 2, max_rows_per_partition: 40}
columns:
  person: {type: bigint, role: unit}
  site:   {type: varchar, role: dimension, domain: {values: ["a", "b"]}}
  days:   {type: integer, role: measure, bounds: [0, 30]}
`

// copied is a data directory that is backed up and restored, and what was seen of it.
type copied struct {
	t       *testing.T
	dir     string
	backup  string
	key     string
	mark    string
	parties *blackbox.Parties
	asked   atomic.Int64
	mu      sync.Mutex
	answers map[string][]byte // by release
}

// TestBackupsUnderLoad backs up a server that answers and loads, kills it, and restores
// its snapshots elsewhere. Each is whole. One that is older than the mark is not
// served; the last one, which is not, is served at once with every answer as it was
// given and every budget as it was spent; and one that somebody accepts has spent
// no less than had been when it was taken.
func TestBackupsUnderLoad(t *testing.T) {
	defer func() { report(t, "restore_ok", !t.Failed()) }()
	c := newCopied(t)
	server := c.serve(c.dir)
	check(t, c.parties.SetBudgets(t.Context(), server, wire.Loss{Epsilon: 1e4, Delta: 0.5}, wire.Loss{Epsilon: 1e4, Delta: 0.5}))
	check(t, c.load(t.Context(), server))
	var before []map[string]float64 // what was spent as each snapshot was begun
	stop := c.work(server)
	for range 4 {
		before = append(before, c.spent(server))
		c.noised("backup", "--data-dir", c.dir, "--to", c.backup, "--key-file", c.key)
		c.ask(server) // so that the snapshot is behind
	}
	for c.seen() < 10 { // there was load
		c.ask(server)
	}
	check(t, server.Kill())
	stop()
	c.noised("backup", "verify", "--from", c.backup, "--key-file", c.key, "--all")

	for i, least := range before {
		number := fmt.Sprint(i + 1)
		dir := c.restore("snapshot-"+number, "--snapshot", number)
		c.refused(dir, "was restored from a snapshot")
		c.refused(dir, "older than its high-water mark", "--high-water-file", c.mark)
		if i%2 == 1 {
			continue // one start takes a second
		}
		c.noised("ledger", "accept", "--data-dir", dir, "--yes")
		older, err := program.Start(t.Context(), dir)
		check(t, err)
		for account, spent := range c.spent(older) {
			if spent < least[account] {
				t.Errorf("snapshot %s: %s has spent %v, and had spent %v before it was taken", number, account, spent, least[account])
			}
		}
		check(t, older.Stop())
	}

	// The original goes on, finishes what broke off, and ends.
	server = c.serve(c.dir)
	rows := c.count(server)
	check(t, server.Stop())
	c.noised("backup", "--data-dir", c.dir, "--to", c.backup, "--key-file", c.key)
	server = c.serve(c.dir)
	spent := c.spent(server)
	check(t, server.Kill())

	last := c.restore("last")
	server = c.serve(last)
	for account, now := range c.spent(server) {
		if now != spent[account] {
			t.Errorf("%s had spent %v, and has %v where it was restored", account, spent[account], now)
		}
	}
	c.compare(server)
	if again := c.count(server); math.Abs(again-rows) > 50 {
		t.Errorf("%v rows are restored of %v", again, rows)
	}
	check(t, server.Stop())
	t.Logf("%d answers; %v rows", len(c.answers), rows)
}

func newCopied(t *testing.T) *copied {
	t.Helper()
	c := &copied{t: t, answers: map[string][]byte{}, dir: filepath.Join(t.TempDir(), "data"), backup: filepath.Join(t.TempDir(), "backup")}
	elsewhere := t.TempDir()
	c.key, c.mark = filepath.Join(elsewhere, "key"), filepath.Join(elsewhere, "mark")
	operator, err := program.Init(t.Context(), c.dir)
	check(t, err)
	c.noised("ledger", "accept", "--data-dir", c.dir, "--high-water-file", c.mark, "--yes")
	server := c.serve(c.dir)
	c.parties, err = blackbox.SetUp(t.Context(), server, operator, []byte(visitsContract), []string{"north", "south"})
	check(t, err)
	check(t, server.Stop())
	return c
}

func (c *copied) noised(args ...string) {
	c.t.Helper()
	check(c.t, program.Run(c.t.Context(), args...))
}

// serve starts a server with the mark, without waiting for files to be replaced: the
// sweep is to meet backups.
func (c *copied) serve(dir string) *blackbox.Server {
	c.t.Helper()
	server, err := program.Start(c.t.Context(), dir, "--high-water-file", c.mark, "--keep-replaced", "1s", "--request-rate", "1e6")
	check(c.t, err)
	c.t.Cleanup(func() { _ = server.Kill() })
	return server
}

// restore makes a data directory of a snapshot, with the keyset that is kept apart.
func (c *copied) restore(name string, flags ...string) string {
	c.t.Helper()
	dir := filepath.Join(c.t.TempDir(), name)
	c.noised(append([]string{"restore", "--from", c.backup, "--to", dir, "--key-file", c.key}, flags...)...)
	keyset, err := os.ReadFile(c.dir + ".keyset")
	check(c.t, err)
	check(c.t, os.WriteFile(dir+".keyset", keyset, 0o600))
	return dir
}

func (c *copied) refused(dir, why string, flags ...string) {
	c.t.Helper()
	server, err := program.Start(c.t.Context(), dir, flags...)
	if err == nil {
		check(c.t, server.Kill())
		c.t.Errorf("%s is served", dir)
	} else if !strings.Contains(err.Error(), why) {
		c.t.Errorf("the server says %v, and not %q", err, why)
	}
}

// load adds rows of people of their own for each tenant.
func (c *copied) load(ctx context.Context, server *blackbox.Server) error {
	for i, tenant := range c.parties.Tenants {
		var rows bytes.Buffer
		rows.WriteString("person,site,days\n")
		for n := range 400 {
			fmt.Fprintf(&rows, "%d,%s,%d\n", i*10000+n, string("ab"[n%2]), n%30)
		}
		api, err := server.API(c.parties.Loader[tenant])
		if err != nil {
			return err
		}
		load, err := api.Upload(ctx, wire.Upload{Dataset: "visits", Tenant: tenant, ContentType: wire.TypeCSV, Write: wire.Replace, Size: int64(rows.Len())}, &rows)
		if err != nil {
			return err
		}
		if load, err = api.Wait(ctx, load.ID, nil); err != nil {
			return err
		} else if load.State != wire.LoadStateSucceeded {
			return fmt.Errorf("the load %s", load.State)
		}
	}
	return nil
}

// question returns one that was not asked before.
func (c *copied) question() wire.QueryRequest {
	epsilon := 0.5 + 1e-9*float64(c.asked.Add(1))
	return wire.QueryRequest{SQL: "SELECT site, COUNT(*) AS n, SUM(days) AS d FROM visits GROUP BY site", Epsilon: &epsilon}
}

// ask asks a new question, and keeps the answer, if there is one.
func (c *copied) ask(server *blackbox.Server) bool {
	api, err := server.API(c.parties.Analyst)
	if err != nil {
		return false
	}
	result, err := api.Query(c.t.Context(), c.question(), wire.QueryOptions{Accept: wire.TypeJSON})
	if err != nil {
		return false
	}
	defer result.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(result.Body); err != nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers[result.Release] = body.Bytes()
	return true
}

// work has clients ask and load until the function that it returns is called, which
// is after the server has died.
func (c *copied) work(server *blackbox.Server) (stop func()) {
	ctx, cancel := context.WithCancel(c.t.Context())
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for ctx.Err() == nil && c.ask(server) {
			}
		})
	}
	wg.Go(func() {
		for ctx.Err() == nil && c.load(ctx, server) == nil {
		}
	})
	return func() {
		cancel()
		wg.Wait()
	}
}

// compare reads every answer again.
func (c *copied) compare(server *blackbox.Server) {
	c.t.Helper()
	api, err := server.API(c.parties.Analyst)
	check(c.t, err)
	for release, want := range c.answers {
		result, err := api.Release(c.t.Context(), release, wire.TypeJSON, false)
		check(c.t, err)
		var body bytes.Buffer
		_, err = body.ReadFrom(result.Body)
		check(c.t, err)
		result.Body.Close()
		if !bytes.Equal(body.Bytes(), want) {
			c.t.Errorf("%s was answered %s, and is %s", release, want, body.Bytes())
		}
	}
}

// seen counts the answers that clients have had.
func (c *copied) seen() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.answers)
}

// count asks for the number of people, with little noise.
func (c *copied) count(server *blackbox.Server) float64 {
	c.t.Helper()
	api, err := server.API(c.parties.Analyst)
	check(c.t, err)
	epsilon := 20 + 1e-9*float64(c.asked.Add(1))
	result, err := api.Query(c.t.Context(), wire.QueryRequest{SQL: "SELECT COUNT(DISTINCT person) AS n FROM visits", Epsilon: &epsilon}, wire.QueryOptions{Accept: wire.TypeCSV})
	check(c.t, err)
	defer result.Body.Close()
	var body bytes.Buffer
	_, err = body.ReadFrom(result.Body)
	check(c.t, err)
	var n float64
	_, err = fmt.Sscan(strings.TrimPrefix(strings.TrimSpace(body.String()), "n\n"), &n)
	check(c.t, err)
	return n
}

// spent reads what every account has spent.
func (c *copied) spent(server *blackbox.Server) map[string]float64 {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	out := map[string]float64{}
	for _, tenant := range c.parties.Tenants {
		api, err := server.API(c.parties.Budget[tenant])
		check(c.t, err)
		b, err := api.TenantBudget(ctx, tenant)
		check(c.t, err)
		out[tenant] = b.Spent.Rho
	}
	api, err := server.API(c.parties.Operator)
	check(c.t, err)
	b, err := api.DatasetBudget(ctx, c.parties.Dataset)
	check(c.t, err)
	out["dataset"] = b.Spent.Rho
	return out
}
