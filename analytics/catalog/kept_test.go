package catalog

import (
	"database/sql"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/catalog/internal/recent"
	"github.com/noised/noised/privacy"
)

// seen is what a catalog answers about the dataset visits.
type seen struct {
	Dataset Dataset
	Current map[string]Generation
}

func (f *fixture) see(c *Catalog, tenants []string) seen {
	f.t.Helper()
	d, err := c.Dataset(f.t.Context(), "visits")
	f.ok(err)
	found, err := c.CurrentUnder(f.t.Context(), d.Contract, tenants)
	f.ok(err)
	d.Contract = nil // Dataset.Latest and the members tell which one it is
	return seen{d, found}
}

// fresh is a catalog on the same connections that has kept nothing.
func (f *fixture) fresh() *Catalog { return New(f.db, func() time.Time { return f.at }) }

// Under any acts of two processes, what either has kept in memory is what
// somebody reads who has kept nothing, for any tenants, whatever else was asked
// before.
func TestWhatIsKeptIsWhatIsStored(t *testing.T) {
	f := open(t)
	f.put(1, "  x: {type: integer, role: dimension}\n")
	f.put(2, "")
	f.put(3, "  x: {type: varchar, role: dimension}\n")
	second := &fixture{t: t, path: f.path, at: noon}
	second.db = second.connect()
	second.Catalog = New(second.db, func() time.Time { return f.at })
	second.heads, second.members = recent.New[known](6), recent.New[Dataset](4) // keeps little, and at times nothing
	tenants := []string{"a", "b", "c", "d", "e"}
	f.tenants(tenants...)
	f.accept(1, tenants...)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		for range rapid.IntRange(1, 15).Draw(rt, "acts") {
			n++
			f.at = f.at.Add(time.Second)
			second.at = f.at
			process := rapid.SampledFrom([]*fixture{f, second}).Draw(rt, "process")
			process.anything(rt, rapid.SampledFrom(tenants).Draw(rt, "tenant"), n)
			some := rapid.SliceOfNDistinct(rapid.SampledFrom(append(tenants, "nobody")), 0, 6, rapid.ID).Draw(rt, "asked")
			want := f.see(f.fresh(), some)
			for name, c := range map[string]*Catalog{"first": f.Catalog, "second": second.Catalog} {
				if diff := cmp.Diff(want, f.see(c, some)); diff != "" {
					rt.Fatalf("the %s process, asked for %v: %s", name, some, diff)
				}
			}
		}
	})
	if _, _, ok := f.heads.Get("visits"); !ok {
		t.Error("nothing was kept")
	}
}

// anything does one thing to a tenant that changes what queries read, or should not.
func (f *fixture) anything(rt *rapid.T, tenant string, n int) {
	ctx := f.t.Context()
	head, _, err := f.Head(ctx, "visits", tenant)
	f.ok(err)
	d, err := f.Dataset(ctx, "visits")
	f.ok(err)
	m, _ := d.Member(tenant)
	g := generation(fmt.Sprintf("gen_%d", n), tenant, max(1, m.Version))
	switch rapid.SampledFrom([]string{"append", "append", "replace", "compact", "suspend", "resume", "accept", "leave", "delete", "forget"}).Draw(rt, "act") {
	case "append":
		g.Segments = append(slices.Clone(head.Segments), g.Segments...)
		_ = f.publish(g, head.ID) // refused where the tenant may not, or cannot read what it has
	case "replace":
		_ = f.publish(g, head.ID)
	case "compact":
		if len(head.Segments) > 0 {
			into := generation("", tenant, 1, fmt.Sprintf("merged_%d", n)).Segments[0]
			f.ok(f.compact(Scattered{Dataset: "visits", Tenant: tenant, Generation: head.ID, Segments: head.Segments}, into))
		}
	case "suspend", "resume":
		f.ok(f.SetSuspended(ctx, tenant, rapid.Bool().Draw(rt, "suspended"), admin))
	case "accept":
		f.accept(rapid.IntRange(1, 3).Draw(rt, "version"), tenant)
	case "leave":
		if m.Tenant != "" {
			f.ok(f.Leave(ctx, "visits", tenant, admin))
		}
	case "delete":
		f.ok(f.DeleteTenant(ctx, tenant, admin))
		f.tenants(tenant)
	case "forget":
		old, err := f.Superseded(ctx, f.at.Add(time.Hour))
		f.ok(err)
		for _, s := range old {
			f.ok(f.Forget(ctx, []string{s.ID}))
		}
	}
}

// While two processes publish, merge and suspend, readers of both see every
// tenant's generations in the order of their publication, none later than it is
// published and none that was replaced before they asked.
func TestReadersKeepUpWithWriters(t *testing.T) {
	f := open(t)
	tenants := []string{"a", "b", "c", "d"}
	f.tenants(tenants...)
	f.put(1, "")
	f.accept(1, tenants...)
	second := &fixture{t: t, path: f.path, at: noon}
	second.db = second.connect()
	second.Catalog = New(second.db, func() time.Time { return noon })
	number := func(g Generation) (n int64) {
		if g.ID != "" {
			_, err := fmt.Sscanf(g.ID, "gen_"+g.Tenant+"_%d", &n)
			f.ok(err)
		}
		return n
	}
	published := make([]atomic.Int64, len(tenants))
	var writers, readers sync.WaitGroup
	for i, tenant := range tenants {
		writers.Go(func() {
			process, before := []*fixture{f, second}[i%2], ""
			for n := range int64(25) {
				g := generation(fmt.Sprintf("gen_%s_%d", tenant, n+1), tenant, 1)
				f.ok(process.publish(g, before))
				published[i].Store(n + 1)
				before = g.ID
			}
		})
	}
	ended := make(chan struct{})
	for i := range 4 {
		readers.Go(func() {
			c, last := []*Catalog{f.Catalog, second.Catalog}[i%2], make([]int64, len(tenants))
			for done := false; !done; {
				select {
				case <-ended:
					done = true
				default:
				}
				for i := range tenants {
					last[i] = max(last[i], published[i].Load())
				}
				found := f.see(c, tenants[i%3:]).Current
				for j, tenant := range tenants[i%3:] {
					n := number(found[tenant])
					if n < last[i%3+j] {
						t.Errorf("%s: generation %d after %d", tenant, n, last[i%3+j])
					}
					last[i%3+j] = n
				}
			}
		})
	}
	writers.Wait()
	close(ended)
	readers.Wait()
}

func TestCallersCannotChangeWhatIsKept(t *testing.T) {
	f, ctx := open(t), t.Context()
	f.tenants("a")
	f.put(1, "")
	f.accept(1, "a")
	f.ok(f.publish(generation("gen_1", "a", 1, "s1", "s2"), ""))
	want := f.see(f.Catalog, []string{"a"})
	for range 2 { // what was just read, and what was kept
		d, err := f.Dataset(ctx, "visits")
		f.ok(err)
		found, err := f.CurrentUnder(ctx, d.Contract, []string{"a"})
		f.ok(err)
		d.Members[0].Suspended = true
		_ = append(d.Members[:0], Member{Tenant: "z"})
		found["a"].Segments[0].ID = "other"
		_ = append(found["a"].Segments[:1], Segment{ID: "third"})
		delete(found, "a")
	}
	if diff := cmp.Diff(want, f.see(f.Catalog, []string{"a"})); diff != "" {
		t.Error(diff)
	}
}

// writes change what queries read by bare SQL, each in another way, as no later
// version of the program may without everybody noticing.
var writes = map[string]string{
	"generations_inserted":         `INSERT INTO generations (id, dataset, tenant, version, format_version, load, at) VALUES ('gen_2', 'visits', 'b', 1, 1, 'load', 0)`,
	"generations_updated":          `UPDATE generations SET superseded_at = 1 WHERE id = 'gen_1'`,
	"generations_deleted":          `DELETE FROM generations WHERE id = 'gen_1'`,
	"generation_segments_inserted": `INSERT INTO generation_segments VALUES ('gen_1', 7, 'spare')`,
	"generation_segments_updated":  `UPDATE generation_segments SET segment = 'spare' WHERE generation = 'gen_1'`,
	"generation_segments_deleted":  `DELETE FROM generation_segments WHERE generation = 'gen_1'`,
	"segments_inserted":            `INSERT INTO segments (id, path, rows, bytes, sha256) VALUES ('late', 'late', 1, 1, '')`,
	"segments_updated":             `UPDATE segments SET path = 'elsewhere' WHERE id = 'seg_gen_1'`,
	"segments_deleted":             `DELETE FROM segments WHERE id = 'seg_gen_1'`,
	"members_inserted":             `INSERT INTO members (dataset, tenant, version, accepted_at, accepted_by) VALUES ('visits', 'c', 1, 0, '')`,
	"members_updated":              `UPDATE members SET version = 2 WHERE tenant = 'a'`,
	"members_deleted":              `DELETE FROM members WHERE tenant = 'a'`,
	"tenants_inserted":             `INSERT INTO tenants (name, region, suspended, created_at, created_by) VALUES ('early', '', 1, 0, '')`,
	"tenants_updated":              `UPDATE tenants SET suspended = 1 WHERE name = 'a'`,
	"tenants_deleted":              `DELETE FROM tenants WHERE name = 'b'`,
	"dataset_versions_inserted":    `INSERT INTO dataset_versions (dataset, version, document, created_at, created_by) SELECT dataset, 3, document, 0, '' FROM dataset_versions WHERE version = 2`,
}

// Every way of writing what queries read is noticed because of its trigger, and
// without it would not be.
func TestEveryWriteIsNoticed(t *testing.T) {
	for trigger, write := range writes {
		writes := []string{write}
		if trigger == "segments_inserted" || trigger == "members_inserted" { // a conflict clause holds for what triggers do, too
			writes = append(writes, strings.Replace(write, "INSERT", "INSERT OR REPLACE", 1), strings.Replace(write, "INSERT", "INSERT OR IGNORE", 1))
		}
		for _, write := range writes {
			f := kept(t)
			if err := f.follows(write); err != nil {
				t.Errorf("not noticed: %s: %v", write, err)
			}
		}
		f := kept(t)
		f.raw(`DROP TRIGGER ` + trigger)
		if f.follows(write) == nil {
			t.Errorf("%s is not needed, or this test does not show that it is", trigger)
		}
	}
}

// kept is a catalog that has kept what there is of the tenants a to d and early.
func kept(t *testing.T) *fixture {
	f := open(t)
	f.tenants("a", "b", "c", "d")
	f.put(1, "")
	f.put(2, "")
	f.accept(1, "a", "b")
	f.ok(f.publish(generation("gen_1", "a", 1), ""))
	f.raw(`INSERT INTO segments (id, path, rows, bytes, sha256) VALUES ('spare', 'spare', 1, 1, '')`)
	f.raw(`INSERT INTO generation_segments VALUES ('gen_1', 5, 'late')`)                                                   // before its segment
	f.raw(`INSERT INTO members (dataset, tenant, version, accepted_at, accepted_by) VALUES ('visits', 'early', 1, 0, '')`) // before its tenant
	f.raw(`INSERT INTO suspensions (kind, name, owner, reason, placed_by, since) VALUES ('tenant', 'b', '', 'a test', 'key_admin', 0)`)
	for _, trigger := range f.triggers() {
		if _, mine := writes[trigger]; !mine { // rules that forbid some of the writes
			f.raw(`DROP TRIGGER ` + trigger)
		}
	}
	f.see(f.Catalog, []string{"a", "b", "c", "d"})
	return f
}

// triggers returns those of the tables that are written.
func (f *fixture) triggers() (names []string) {
	f.t.Helper()
	rows, err := f.db.QueryContext(f.t.Context(), `SELECT name FROM sqlite_master WHERE type = 'trigger'
		AND tbl_name IN ('generations', 'generation_segments', 'segments', 'members', 'tenants', 'dataset_versions')`)
	f.ok(err)
	defer rows.Close()
	for rows.Next() {
		var name string
		f.ok(rows.Scan(&name))
		names = append(names, name)
	}
	f.ok(rows.Err())
	return names
}

// follows runs a statement that changes what is stored, and reports how what a
// catalog has kept differs from it then.
func (f *fixture) follows(write string) error {
	f.t.Helper()
	tenants := []string{"a", "b", "c", "d"}
	before := f.see(f.fresh(), tenants)
	f.raw(write)
	after := f.see(f.fresh(), tenants)
	if cmp.Equal(before, after) {
		f.t.Errorf("changes nothing that can be seen: %s", write)
	}
	if diff := cmp.Diff(after, f.see(f.Catalog, tenants)); diff != "" {
		return privacy.Errorf(privacy.CodeInternal, "%s", diff)
	}
	return nil
}

// raw runs a statement as a tool would that knows nothing of the program, and
// does not even have foreign keys checked.
func (f *fixture) raw(statement string) {
	f.t.Helper()
	u := url.URL{Scheme: "file", Path: f.path, RawQuery: "_pragma=busy_timeout(10000)"}
	db, err := sql.Open("sqlite", u.String())
	f.ok(err)
	defer func() { _ = db.Close() }()
	_, err = db.ExecContext(f.t.Context(), statement)
	f.ok(err)
}

func TestNumbersOfChangesOnlyGrow(t *testing.T) {
	f := kept(t)
	u := url.URL{Scheme: "file", Path: f.path}
	db, err := sql.Open("sqlite", u.String())
	f.ok(err)
	defer func() { _ = db.Close() }()
	for _, statement := range []string{
		`UPDATE head_changes SET change = change - 1`, `UPDATE head_changes SET tenant = 'z'`, `DELETE FROM head_changes`,
		`UPDATE member_changes SET change = change - 1`, `UPDATE member_changes SET dataset = 'z'`, `DELETE FROM member_changes`,
	} {
		if _, err := db.ExecContext(t.Context(), statement); err == nil {
			t.Errorf("allowed: %s", statement)
		}
	}
}
