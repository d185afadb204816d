package catalog

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/translog"
)

// generation has one segment per given id, and one named after itself without
// any.
func generation(id, tenant string, version int, segments ...string) Generation {
	if len(segments) == 0 {
		segments = []string{"seg_" + id}
	}
	g := Generation{ID: id, Dataset: "visits", Tenant: tenant, Version: version, FormatVersion: 1, Load: "load_" + id, At: noon}
	for _, s := range segments {
		g.Segments = append(g.Segments, Segment{ID: s, Path: "tenants/" + tenant + "/visits/" + s + ".duckdb", Rows: 7, Bytes: 4096, SHA256: "abc"})
	}
	return g
}

func TestPublishAndCurrent(t *testing.T) {
	f, ctx := open(t), t.Context()
	f.tenants("a", "b", "c")
	f.put(1, "")
	f.accept(1, "a", "b", "c")
	first := generation("gen_1", "a", 1)
	second := generation("gen_2", "a", 1, "seg_gen_1", "seg_0") // appended: the order is kept, whatever the ids
	first.Segments[0].Ranks = [][]string{}                      // the rank within the unit alone, which is not the same as none
	second.Segments[0].Ranks = first.Segments[0].Ranks
	second.Segments = append(second.Segments, generation("", "a", 1, "seg_2").Segments...)
	second.Segments[2].Ranks = [][]string{{"ward"}, {"day", "ward"}}
	second.Segments[2].Codes = map[string]string{"ward": "0123"}
	empty := generation("gen_3", "b", 1)
	empty.Segments = nil

	f.ok(f.publish(first, ""))
	f.ok(f.publish(second, "gen_1"))
	f.ok(f.publish(empty, ""))
	f.fails(f.publish(generation("gen_4", "a", 1), "gen_1"), privacy.CodeConflict)    // overtaken
	f.fails(f.publish(generation("gen_4", "a", 1), ""), privacy.CodeConflict)         // overtaken
	f.fails(f.publish(generation("gen_4", "c", 1), "gen_none"), privacy.CodeConflict) // there is nothing

	current, err := f.other().Current(ctx, "visits", []string{"a", "b", "c", "nobody"})
	f.ok(err)
	if diff := cmp.Diff(map[string]Generation{"a": second, "b": empty}, current); diff != "" {
		t.Error(diff)
	}
	if none, err := f.Current(ctx, "visits", nil); err != nil || len(none) != 0 {
		t.Errorf("no tenants: %v, %v", none, err)
	}
	_, err = f.Current(ctx, "nothing", []string{"a"})
	f.fails(err, privacy.CodeUnknownDataset)

	want := `{"act":"publish","dataset":"visits","format_version":1,"generation":"gen_2","load":"load_gen_2","tenant":"a","version":1}`
	if acts := f.acts(translog.KindGeneration); len(acts) != 3 || acts[1] != want {
		t.Errorf("log = %v", acts)
	}
}

func TestPublishNeedsAMember(t *testing.T) {
	f, ctx := open(t), t.Context()
	f.tenants("a", "b")
	f.put(1, "")
	f.fails(f.publish(generation("gen_1", "a", 1), ""), privacy.CodeConflict)
	f.accept(1, "a")
	f.ok(f.SetSuspended(ctx, "a", true, admin))
	f.fails(f.publish(generation("gen_1", "a", 1), ""), privacy.CodeSuspended)
	f.ok(f.SetSuspended(ctx, "a", false, admin))
	f.ok(f.publish(generation("gen_1", "a", 1), ""))

	g := generation("gen_2", "a", 1)
	g.Dataset = "nothing"
	f.fails(f.publish(g, ""), privacy.CodeUnknownDataset)
}

// What the version in force cannot read is not current, and the next load
// starts anew; what it can read stays.
func TestGenerationsAcrossVersions(t *testing.T) {
	f, ctx := open(t), t.Context()
	f.tenants("a", "b")
	f.put(1, "  x: {type: integer, role: dimension}\n")
	f.put(2, "") // a column less: reads version 1
	f.put(3, "  x: {type: varchar, role: dimension}\n")
	current := func() []string {
		found, err := f.Current(ctx, "visits", []string{"a", "b"})
		f.ok(err)
		ids := []string{}
		for _, g := range found {
			ids = append(ids, g.ID)
		}
		slices.Sort(ids)
		return ids
	}
	expect := func(when string, want ...string) {
		t.Helper()
		if got := current(); !slices.Equal(got, want) {
			t.Errorf("%s: current is %v, want %v", when, got, want)
		}
	}
	f.accept(1, "a", "b")
	f.ok(f.publish(generation("gen_1", "a", 1), ""))
	expect("loaded under 1", "gen_1")

	f.accept(2, "a")
	expect("2 reads what 1 loaded", "gen_1")
	f.ok(f.publish(generation("gen_late", "a", 1, "seg_gen_1", "seg_late"), "gen_1")) // began before a accepted 2
	f.ok(f.publish(generation("gen_2", "a", 2, "seg_gen_1", "seg_late", "seg_2"), "gen_late"))
	expect("appended under 2", "gen_2")

	f.accept(3, "a", "b")
	expect("3 has a column more")
	f.fails(f.publish(generation("gen_old", "a", 2), "gen_2"), privacy.CodeConflict) // a accepted 3 meanwhile
	head, ok, err := f.Head(ctx, "visits", "a")
	f.ok(err)
	if !ok || head.ID != "gen_2" {
		t.Errorf("Head = %+v, %t", head, ok)
	}
	f.fails(f.publish(generation("gen_3", "a", 3, "seg_gen_1", "seg_3"), "gen_2"), privacy.CodeConflict) // carries rows without x
	f.ok(f.publish(generation("gen_3", "a", 3), ""))
	expect("loaded under 3", "gen_3")
	f.fails(f.publish(generation("gen_4", "a", 3), ""), privacy.CodeConflict)

	under, err := f.Contract(ctx, "visits", 1)
	f.ok(err)
	if found, err := f.CurrentUnder(ctx, under, []string{"a"}); err != nil || len(found) != 0 {
		t.Errorf("version 1 must not read x as text: %v, %v", found, err)
	}
}

func TestSuperseded(t *testing.T) {
	f, ctx := open(t), t.Context()
	f.tenants("a")
	f.put(1, "")
	f.accept(1, "a")
	swept := func(before time.Time) []string {
		segments, err := f.Superseded(ctx, before)
		f.ok(err)
		ids := []string{}
		for _, s := range segments {
			ids = append(ids, s.ID)
		}
		return ids
	}
	f.ok(f.publish(generation("gen_1", "a", 1, "s1", "s2"), ""))
	f.at = noon.Add(time.Hour)
	f.ok(f.publish(generation("gen_2", "a", 1, "s2", "s3"), "gen_1"))
	f.at = noon.Add(2 * time.Hour)
	f.ok(f.publish(generation("gen_3", "a", 1, "s3"), "gen_2"))

	for _, step := range []struct {
		before time.Duration
		want   []string
	}{{0, []string{}}, {time.Hour, []string{}}, {90 * time.Minute, []string{"s1"}}, {3 * time.Hour, []string{"s1", "s2"}}} {
		if got := swept(noon.Add(step.before)); !slices.Equal(got, step.want) {
			t.Errorf("superseded before +%s: %v, want %v", step.before, got, step.want)
		}
	}
	f.fails(f.Forget(ctx, []string{"s1", "s3"}), privacy.CodeConflict)
	f.ok(f.Forget(ctx, nil))
	f.ok(f.Forget(ctx, []string{"s1", "never"}))
	if got := swept(noon.Add(3 * time.Hour)); !slices.Equal(got, []string{"s2"}) {
		t.Errorf("after forgetting s1: %v", got)
	}
	current, err := f.Current(ctx, "visits", []string{"a"})
	f.ok(err)
	if len(current["a"].Segments) != 1 {
		t.Errorf("the current generation lost a segment: %v", current)
	}
}

// Of several loads that were built on the same generation, published by two
// processes at once, exactly one becomes current.
func TestPublishIsCompareAndSwap(t *testing.T) {
	f, ctx := open(t), t.Context()
	f.tenants("a")
	f.put(1, "")
	f.accept(1, "a")
	f.ok(f.publish(generation("gen_0", "a", 1), ""))
	second := &fixture{t: t, path: f.path, at: noon}
	second.db = second.connect()
	second.Catalog = New(second.db, func() time.Time { return noon })
	var won, lost atomic.Int32
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			process := []*fixture{f, second}[i%2]
			err := process.publish(generation(fmt.Sprintf("gen_r%d", i), "a", 1), "gen_0")
			switch privacy.CodeOf(err) {
			case "":
				won.Add(1)
			case privacy.CodeConflict:
				lost.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 || lost.Load() != 11 {
		t.Errorf("%d loads won and %d lost", won.Load(), lost.Load())
	}
	var n int
	f.ok(f.db.QueryRowContext(ctx, `SELECT count(*) FROM generations WHERE superseded_at IS NULL`).Scan(&n))
	if n != 1 {
		t.Errorf("%d generations are current", n)
	}
}

// Under any sequence of appends, replaces, stale publications and deletions,
// Current is what a plain model of it says, and no segment of it is ever
// offered for removal.
func TestCurrentFollowsTheModel(t *testing.T) {
	f, ctx := open(t), t.Context()
	f.put(1, "")
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++ // one store serves all runs, each with tenants of its own
		tenants := []string{fmt.Sprintf("a%d", runs), fmt.Sprintf("b%d", runs)}
		f.tenants(tenants...)
		f.accept(1, tenants...)
		model := map[string]Generation{}
		for i := range rapid.IntRange(1, 12).Draw(rt, "acts") {
			tenant := rapid.SampledFrom(tenants).Draw(rt, "tenant")
			g := generation(fmt.Sprintf("gen_%d_%d", runs, i), tenant, 1)
			f.at = f.at.Add(time.Second)
			switch rapid.SampledFrom([]string{"append", "replace", "stale", "delete"}).Draw(rt, "act") {
			case "append":
				g.Segments = append(slices.Clone(model[tenant].Segments), g.Segments...)
				f.ok(f.publish(g, model[tenant].ID))
				model[tenant] = g
			case "replace":
				f.ok(f.publish(g, model[tenant].ID))
				model[tenant] = g
			case "stale":
				f.fails(f.publish(g, "gen_other"), privacy.CodeConflict)
			case "delete":
				f.ok(f.DeleteTenant(ctx, tenant, admin))
				f.tenants(tenant)
				f.accept(1, tenant)
				delete(model, tenant)
			}
			current, err := f.Current(ctx, "visits", tenants)
			f.ok(err)
			if diff := cmp.Diff(model, current); diff != "" {
				rt.Fatal(diff)
			}
			old, err := f.Superseded(ctx, f.at.Add(time.Hour))
			f.ok(err)
			for g := range maps.Values(model) {
				for _, s := range g.Segments {
					if slices.ContainsFunc(old, func(o Segment) bool { return o.ID == s.ID }) {
						rt.Fatalf("segment %s is current and offered for removal", s.ID)
					}
				}
			}
		}
	})
}

// A transaction of the caller that fails takes the publication with it.
func TestPublishIsPartOfTheCallersTransaction(t *testing.T) {
	f, ctx := open(t), t.Context()
	f.tenants("a")
	f.put(1, "")
	f.accept(1, "a")
	err := f.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := f.Publish(ctx, tx, generation("gen_1", "a", 1), ""); err != nil {
			return err
		}
		return privacy.Errorf(privacy.CodeUnavailable, "the load could not be finished")
	})
	f.fails(err, privacy.CodeUnavailable)
	if _, ok, err := f.Head(ctx, "visits", "a"); ok || err != nil {
		t.Errorf("a generation of a failed transaction is visible: %v", err)
	}
	if acts := f.acts(translog.KindGeneration); len(acts) != 0 {
		t.Errorf("and logged: %v", acts)
	}
}

// BenchmarkDatasetAndCurrent asks what a query does: of all of many tenants and of
// three, when nothing has changed, after one has published, and having kept nothing.
func BenchmarkDatasetAndCurrent(b *testing.B) {
	for _, n := range []int{14, 1000} {
		f, _, tenants := benchmarkFixture(b, n)
		before := "gen_" + tenants[0]
		for _, c := range []struct {
			name string
			of   []string
			look func() *Catalog
		}{
			{"kept", tenants, func() *Catalog { return f.Catalog }},
			{"three kept", tenants[:3], func() *Catalog { return f.Catalog }},
			{"published", tenants, func() *Catalog {
				g := generation(privacy.NewID("gen"), tenants[0], 1)
				f.ok(f.publish(g, before))
				before = g.ID
				return f.Catalog
			}},
			{"fresh", tenants, f.fresh},
			{"three fresh", tenants[:3], f.fresh},
		} {
			b.Run(fmt.Sprintf("%d/%s", n, c.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					f.see(c.look(), c.of)
				}
			})
		}
	}
}
