package lineage_test

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/privacy"
)

// place is a table of a tenant.
type place struct{ tenant, table string }

// world is one dataset and what must be known of it, kept apart from the store.
type world struct {
	*store
	dataset string
	tenants []string
	version int
	tables  []string           // private ones that the version in force declares
	rows    map[place][]string // the loads whose rows are there now
	fed     map[string][]string
	read    map[string][]string // by release: the loads that it could have read
	counts  *struct{ loads, releases int }
}

const mergeAt = 4

// base returns what a load goes on from, and the segments that it keeps, as jobs
// find them.
func (w *world) base(tenant string) (catalog.Generation, []catalog.Segment) {
	c, err := w.catalog.Contract(w.t.Context(), w.dataset, w.version)
	w.ok(err)
	now, err := w.catalog.CurrentUnder(w.t.Context(), c, []string{tenant})
	w.ok(err)
	var kept []catalog.Segment
	for _, seg := range now[tenant].Segments {
		if table, ok := c.Table(seg.Table); ok && table.Public == (tenant == catalog.Public) {
			kept = append(kept, seg)
		}
	}
	return now[tenant], kept
}

// load adds rows to a table or replaces them; the fourth segment of a table makes
// one of all.
func (w *world) load(r *rapid.T) {
	tenant := rapid.SampledFrom(append(slices.Clone(w.tenants), catalog.Public)).Draw(r, "tenant")
	table := "city"
	if tenant != catalog.Public {
		table = rapid.SampledFrom(w.tables).Draw(r, "table")
	} else if rapid.Bool().Draw(r, "country") {
		table = "country"
	}
	write := rapid.SampledFrom([]string{"append", "append", "append", "replace"}).Draw(r, "write")
	base, kept := w.base(tenant)
	if write == "replace" || len(base.Of(table)) >= mergeAt {
		kept = slices.DeleteFunc(kept, func(s catalog.Segment) bool { return s.Table == table })
	}
	at := place{tenant, table}
	if write == "replace" {
		w.rows[at] = nil
	}
	for p := range w.rows { // what the version in force does not declare is not carried over
		if p.tenant == tenant && tenant != catalog.Public && !slices.Contains(w.tables, p.table) {
			delete(w.rows, p)
		}
	}
	id := w.store.load(w.dataset, tenant, table, w.version, write, base, kept)
	w.rows[at] = append(slices.Clone(w.rows[at]), id)
	w.fed[id] = nil
	w.counts.loads++
}

// compact merges a table in the background, and sweeps what is left of the files.
func (w *world) compact(r *rapid.T) {
	ctx := w.t.Context()
	found, err := w.catalog.Scattered(ctx, w.at.Add(time.Hour), false)
	w.ok(err)
	for _, t := range found {
		if t.Dataset != w.dataset {
			continue
		}
		head, _, err := w.catalog.Head(ctx, t.Dataset, t.Tenant)
		w.ok(err)
		t.Segments = head.Of(t.Table)
		id := privacy.NewID("seg")
		w.tx(func(ctx context.Context, tx *sql.Tx) error {
			return w.catalog.Compact(ctx, tx, t, catalog.Segment{ID: id, Table: t.Table, Path: id, Rows: 7, Bytes: 1, SHA256: "abc", Ranks: [][]string{}})
		})
		break
	}
	if rapid.Bool().Draw(r, "sweep") {
		old, err := w.catalog.Superseded(ctx, w.at.Add(time.Hour))
		w.ok(err)
		var ids []string
		for _, s := range old {
			ids = append(ids, s.ID)
		}
		w.ok(w.catalog.Forget(ctx, ids))
	}
}

// ask stores a release of some tables of some tenants.
func (w *world) ask(r *rapid.T) {
	tenants := rapid.SliceOfNDistinct(rapid.SampledFrom(w.tenants), 1, len(w.tenants), rapid.ID[string]).Draw(r, "tenants")
	tables := rapid.SliceOfNDistinct(rapid.SampledFrom(w.tables), 1, len(w.tables), rapid.ID[string]).Draw(r, "tables")
	if rapid.Bool().Draw(r, "public") {
		tenants, tables = append(tenants, catalog.Public), append(tables, "city")
	}
	id := w.release(w.dataset, w.version, tables, tenants)
	w.read[id] = []string{}
	for _, tenant := range tenants {
		for _, table := range tables {
			for _, load := range w.rows[place{tenant, table}] {
				w.read[id] = append(w.read[id], load)
				w.fed[load] = append(w.fed[load], id)
			}
		}
	}
	w.counts.releases++
}

// change puts a version in force that declares visits or does not.
func (w *world) change() {
	w.version++
	declared := []string{city, country, person}
	if w.tables = []string{"person"}; w.version%2 == 1 {
		declared, w.tables = append(declared, visit), []string{"person", "visit"}
	}
	w.apply(w.dataset, w.version, declared, w.tenants...)
}

// again lets another organisation take a tenant's name: it has none of its rows.
func (w *world) again(r *rapid.T) {
	tenant := rapid.SampledFrom(w.tenants).Draw(r, "tenant")
	w.ok(w.catalog.DeleteTenant(w.t.Context(), tenant, admin))
	w.tenant(tenant)
	w.ok(w.catalog.Accept(w.t.Context(), w.dataset, tenant, w.version, admin))
	for p := range w.rows {
		if p.tenant == tenant {
			delete(w.rows, p)
		}
	}
}

// check compares lineage with what must be known, both ways.
func (w *world) check() {
	for _, id := range slices.Sorted(maps.Keys(w.read)) {
		got, err := w.ForAuditor(w.t.Context(), id)
		w.ok(err)
		var loads, byInput []string
		for _, l := range got.Loads {
			loads = append(loads, l.ID)
		}
		for _, in := range got.Inputs {
			byInput = append(byInput, in.Loads...)
		}
		w.same("release "+id, w.read[id], loads)
		w.same("inputs of "+id, w.read[id], byInput)
		if !got.Complete {
			w.t.Errorf("the lineage of %s is not complete", id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(w.fed)) {
		tenant := w.owner(id)
		if tenant == gone {
			continue
		}
		got, err := w.FromLoad(w.t.Context(), tenant, id)
		w.ok(err)
		var releases []string
		for _, u := range got.Releases {
			releases = append(releases, u.Release)
		}
		w.same("load "+id, w.fed[id], releases)
	}
}

func (w *world) same(what string, want, got []string) {
	w.t.Helper()
	want, got = slices.Clone(want), slices.Clone(got)
	slices.Sort(want)
	slices.Sort(got)
	if d := cmp.Diff(append([]string{}, want...), append([]string{}, got...)); d != "" {
		w.t.Fatalf("%s (-want +got):\n%s", what, d)
	}
}

// gone is no tenant: that of loads whose tenant was deleted.
const gone = "-"

func (w *world) owner(load string) string {
	var tenant string
	w.ok(w.db.QueryRowContext(w.t.Context(), `SELECT CASE WHEN l.tenant = '' OR t.created_at = l.tenant_since THEN l.tenant ELSE '-' END
		FROM loads l LEFT JOIN tenants t ON t.name = l.tenant WHERE l.id = ?`, load).Scan(&tenant))
	return tenant
}

// TestLineageIsExactBothWays walks random histories of loads, merges, sweeps, new
// contract versions, tenants that come and go, and releases, and demands that
// every release leads to exactly the loads that it could have read, and every load
// to exactly the releases that it fed.
func TestLineageIsExactBothWays(t *testing.T) {
	s := open(t)
	var counts struct{ loads, releases int }
	n := 0
	for counts.loads+counts.releases < 1000 {
		rapid.Check(t, func(r *rapid.T) {
			if counts.loads+counts.releases >= 1000 {
				return
			}
			n++
			w := &world{
				store: s, dataset: fmt.Sprintf("d%d", n), tenants: []string{fmt.Sprintf("a%d", n), fmt.Sprintf("b%d", n), fmt.Sprintf("c%d", n)},
				rows: map[place][]string{}, fed: map[string][]string{}, read: map[string][]string{}, counts: &counts,
			}
			for _, tenant := range w.tenants {
				w.tenant(tenant)
			}
			w.change()
			for range rapid.IntRange(10, 60).Draw(r, "steps") {
				switch rapid.IntRange(0, 19).Draw(r, "step") {
				case 0:
					w.change()
				case 1:
					w.again(r)
				case 2, 3:
					w.compact(r)
				case 4, 5, 6, 7, 8, 9:
					w.ask(r)
				default:
					w.load(r)
				}
			}
			w.check()
		})
	}
	t.Logf("%d loads and %d releases in %d histories", counts.loads, counts.releases, n)
	t.Attr("governance", fmt.Sprintf("lineage_modelled=%d", counts.loads+counts.releases))
}
