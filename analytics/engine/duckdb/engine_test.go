package duckdb

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/engine/duckdb/attached"
	"github.com/noised/noised/analytics/engine/duckdb/native"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// countPlan counts rows and units of tenants a and b.
func countPlan() *plan.Bound {
	return &plan.Bound{
		Scope: plan.ScopePerson, Tenants: []string{"a", "b"},
		Limits: privacy.Bounds{MaxPartitions: 1, MaxRowsPerPartition: 1000},
		Draws:  []plan.Draw{{Kind: plan.DrawRows}, {Kind: plan.DrawUnits}},
	}
}

func mustRun(t testing.TB, e *Engine, p *plan.Bound, segments ...engine.Segment) *engine.Partials {
	t.Helper()
	got, err := e.Run(context.Background(), engine.Input{Plan: p, Segments: segments})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// Declared groups are all there, also when nothing was ever loaded.
func TestNothingLoaded(t *testing.T) {
	p := countPlan()
	p.Keys = []plan.Key{service, lectage}
	got := mustRun(t, newEngine(t, Options{}), p)
	if len(got.Keys) != 12 || len(got.Draws) != 2 || total(got.Draws[0]) != 0 {
		t.Errorf("got %+v, want 12 empty groups", got)
	}
	p.Keys = []plan.Key{lecturer}
	if got := mustRun(t, newEngine(t, Options{}), p); len(got.Keys) != 0 || len(got.Draws) != 2 {
		t.Errorf("got %+v, want no secret group", got)
	}
}

// The published figures of the sample data come out exactly when the bounds
// leave room.
func TestSampleData(t *testing.T) {
	tenants, segments := insteval(t)
	p := &plan.Bound{Scope: plan.ScopePerson, Tenants: tenants, Limits: privacy.Bounds{MaxPartitions: 1, MaxRowsPerPartition: 1000},
		Draws: append([]plan.Draw{{Kind: plan.DrawUnits}}, average...)}
	e := newEngine(t, Options{})
	got := mustRun(t, e, p, segments...)
	units, rows, sum := total(got.Draws[0]), total(got.Draws[1]), total(got.Draws[2])
	if mean := 3 + float64(sum)/float64(rows); units != 2972 || rows != 73421 || math.Abs(mean-3.205745) > 1e-6 {
		t.Errorf("%d students, %d ratings with mean %.6f", units, rows, mean)
	}
	p.Keys, p.Limits.MaxPartitions = []plan.Key{tenantKey(tenants)}, 14
	got = mustRun(t, e, p, segments...)
	byTenant := map[string]int64{}
	for i, key := range got.Keys {
		byTenant[key[0].Str] = got.Draws[0][i].Clamp(privacy.MaxRelease)
	}
	if byTenant["dept05"] != 302 || byTenant["dept11"] != 2498 {
		t.Errorf("students per department: %v", byTenant)
	}
}

// A connection of the engine reaches nothing but the attached segments, and
// cannot change that.
func TestLockedDown(t *testing.T) {
	w, dir := newWriter(t), t.TempDir()
	path := w.segment(dir, "a", "SELECT 1::UBIGINT AS _unit")
	other := w.segment(dir, "other", "SELECT 1::UBIGINT AS _unit")
	in, err := attached.Open(Options{TempDir: t.TempDir()}.withDefaults().settings(), attached.Streaming, []string{path})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	c, err := in.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Exec("read", "SELECT * FROM s0.main.rows"); err != nil {
		t.Errorf("the attached segment: %v", err)
	}
	for _, sql := range []string{
		"ATTACH '" + other + "' AS other (READ_ONLY)",
		"ATTACH '" + filepath.Join(dir, "new.duckdb") + "' AS fresh",
		"COPY s0.main.rows TO '" + filepath.Join(dir, "out.csv") + "'",
		"EXPORT DATABASE '" + dir + "'",
		"SELECT * FROM read_text('" + filepath.Join(dir, "*") + "')",
		"SELECT * FROM read_blob('/etc/hostname')",
		"SELECT * FROM glob('/*')",
		"SELECT * FROM '" + other + "'",
		"INSTALL httpfs", "LOAD httpfs",
		"SET enable_external_access = true", "SET lock_configuration = false", "SET memory_limit = '9GB'", "RESET disabled_optimizers",
		"INSERT INTO s0.main.rows VALUES (2)", "DROP TABLE s0.main.rows", "CREATE TABLE s0.main.x (i INTEGER)",
	} {
		if err := c.Exec("try", sql); err == nil {
			t.Errorf("%s was allowed", sql)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("%d files in the segments' directory, want 2", len(entries))
	}
}

// A segment whose units go back fails the run, without a result.
func TestUnorderedSegmentFailsClosed(t *testing.T) {
	w, dir := newWriter(t), t.TempDir()
	path := w.segment(dir, "a", "SELECT (CASE WHEN i = 7000 THEN 3 ELSE i END)::UBIGINT AS _unit FROM range(9000) t(i)")
	got, err := newEngine(t, Options{}).Run(context.Background(), engine.Input{Plan: countPlan(), Segments: []engine.Segment{{Tenant: "a", Path: path}}})
	if got != nil || privacy.CodeOf(err) != privacy.CodeInternal {
		t.Errorf("got %v, %v; want an internal error", got, err)
	}
}

// An error in the middle of a result is never taken for its end, and DuckDB's
// message, which quotes the row, does not come out.
func TestErrorsInTheMiddle(t *testing.T) {
	in, err := attached.Open(Options{}.withDefaults().settings(), attached.Streaming, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	c, err := in.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, sql := range []string{
		"SELECT CASE WHEN i = 50000 THEN error('canary ' || i) ELSE 'x' END FROM range(100000) t(i)",
		"SELECT CAST('canary' || i AS INTEGER) FROM range(100000) t(i) WHERE i > 90000",
		"SELECT canary",
	} {
		rows, err := c.Query(sql)
		for more := err == nil; more && err == nil; {
			var block native.Chunk
			if block, more, err = rows.Next(); more {
				block.Close()
			}
		}
		if rows != nil {
			rows.Close()
		}
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got %v, want an error without the value", sql, err)
		}
	}
	if err := c.Exec("go on", "SELECT 1"); err != nil {
		t.Errorf("the connection is lost: %v", err)
	}
}

// Whatever is wrong with a file or an input is an internal error, and does not
// stick.
func TestBrokenInputs(t *testing.T) {
	w, dir := newWriter(t), t.TempDir()
	good := w.segment(dir, "good", "SELECT 1::UBIGINT AS _unit")
	text := filepath.Join(dir, "text.duckdb")
	if err := os.WriteFile(text, []byte("not a database"), 0o600); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(dir, "it's missing.duckdb")
	e := newEngine(t, Options{})
	for name, segments := range map[string][]engine.Segment{
		"a missing file":           {{Tenant: "a", Path: missing}},
		"a file of something else": {{Tenant: "a", Path: text}},
		"another type of unit":     {{Tenant: "a", Path: w.segment(dir, "int", "SELECT 1::INTEGER AS _unit")}},
		"the same file twice":      {{Tenant: "a", Path: good}, {Tenant: "b", Path: good}},
		"another tenant":           {{Tenant: "c", Path: good}},
	} {
		got, err := e.Run(context.Background(), engine.Input{Plan: countPlan(), Segments: segments})
		if got != nil || privacy.CodeOf(err) != privacy.CodeInternal {
			t.Errorf("%s: got %v, %v; want an internal error", name, got, err)
		}
	}
	if err := os.Rename(w.segment(dir, "late", "SELECT 1::UBIGINT AS _unit"), missing); err != nil {
		t.Fatal(err)
	}
	if got := mustRun(t, e, countPlan(), engine.Segment{Tenant: "a", Path: missing}); total(got.Draws[0]) != 1 {
		t.Errorf("after the file has come: %v", got)
	}
	wrong := countPlan()
	wrong.Filter = call("getenv", lit(plan.StringValue("HOME")))
	if _, err := e.Run(context.Background(), engine.Input{Plan: wrong, Segments: []engine.Segment{{Tenant: "a", Path: good}}}); privacy.CodeOf(err) != privacy.CodeInternal {
		t.Errorf("an unknown function: %v", err)
	}
}

// A run that is cut off returns the context's error, and the next one is whole.
func TestCancel(t *testing.T) {
	w, dir := newWriter(t), t.TempDir()
	var segments []engine.Segment
	for _, tenant := range []string{"a", "b"} {
		segments = append(segments, engine.Segment{Tenant: tenant, Path: w.segment(dir, tenant,
			"SELECT (i // 10)::UBIGINT AS _unit, ((i * 7919) % 1000)::DOUBLE AS x FROM range(500000) t(i)")})
	}
	p := countPlan()
	p.Filter = call("<", call("/", column("x", plan.KindDouble), column("x", plan.KindDouble)), lit(plan.FloatValue(0)))
	e := newEngine(t, Options{Threads: 1})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := e.Run(ctx, engine.Input{Plan: p, Segments: segments}); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled before: %v", err)
	}
	for _, filter := range []plan.Expr{p.Filter, nil} {
		p.Filter = filter
		whole := mustRun(t, e, p, segments...)
		ctx, cancel = context.WithCancel(context.Background())
		if _, err := e.Run(&cancelOnUse{Context: ctx, cancel: cancel}, engine.Input{Plan: p, Segments: segments}); !errors.Is(err, context.Canceled) {
			t.Errorf("canceled at its beginning: %v", err)
		}
		// Whoever is given a processor first: the run has its whole result, or none.
		ctx, cancel = context.WithCancel(context.Background())
		got, err := e.Run(&cancelOnUse{Context: ctx, cancel: func() { go cancel() }}, engine.Input{Plan: p, Segments: segments})
		if ended := err == nil && fmt.Sprint(got.Draws) == fmt.Sprint(whole.Draws); !ended && !errors.Is(err, context.Canceled) {
			t.Errorf("canceled in the middle: %v", err)
		}
		cancel()
	}
	if got := mustRun(t, e, p, segments...); total(got.Draws[0]) != 1_000_000 || total(got.Draws[1]) != 50_000 {
		t.Errorf("afterwards: %d rows of %d units", total(got.Draws[0]), total(got.Draws[1]))
	}
}

// cancelOnUse is canceled when a run first looks at it.
type cancelOnUse struct {
	context.Context
	once   sync.Once
	cancel func()
}

func (c *cancelOnUse) Done() <-chan struct{} {
	c.once.Do(c.cancel)
	return c.Context.Done()
}

// Sets of segments that overlap have instances of their own; the least recently
// used are closed, and runs side by side all get the same answer.
func TestInstances(t *testing.T) {
	w, dir := newWriter(t), t.TempDir()
	var segments []engine.Segment
	for i, name := range []string{"one", "two", "three"} {
		segments = append(segments, engine.Segment{Tenant: string("aab"[i]), Path: w.segment(dir, name,
			"SELECT i::UBIGINT AS _unit FROM range(3000) t(i)")})
	}
	e := newEngine(t, Options{MaxInstances: 2})
	var wg sync.WaitGroup
	for range 4 {
		for n := range len(segments) + 1 {
			wg.Go(func() {
				got, err := e.Run(context.Background(), engine.Input{Plan: countPlan(), Segments: segments[:n]})
				if err != nil {
					t.Error(err)
					return
				}
				if rows, units := total(got.Draws[0]), total(got.Draws[1]); rows != int64(3000*n) || units != int64(3000*min(n, 1)) {
					t.Errorf("%d segments: %d rows of %d units", n, rows, units)
				}
			})
		}
	}
	wg.Wait()
	if open := e.instances.Len(); open > 2 {
		t.Errorf("%d instances are open, want at most 2", open)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if _, err := e.Run(context.Background(), engine.Input{Plan: countPlan()}); !errors.Is(err, attached.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// With max_rows the first rows in stored order count, again and again.
func TestMaxRowsFollowsStoredOrder(t *testing.T) {
	w, dir := newWriter(t), t.TempDir()
	first := w.segment(dir, "first", "SELECT (i // 3)::UBIGINT AS _unit, (1 + i % 3)::TINYINT AS rating FROM range(9000) t(i)")
	second := w.segment(dir, "second", "SELECT i::UBIGINT AS _unit, 5::TINYINT AS rating FROM range(3000) t(i)")
	p := countPlan()
	p.Limits.MaxRows = 2
	p.Draws = append(p.Draws, plan.Draw{Kind: plan.DrawSum, Value: rating, Quantum: plan.Quantum{Mantissa: 1, Lo: 1, Hi: 5}})
	e := newEngine(t, Options{})
	for range 3 {
		got := mustRun(t, e, p, engine.Segment{Tenant: "a", Path: first}, engine.Segment{Tenant: "a", Path: second})
		if rows, sum := total(got.Draws[0]), total(got.Draws[2]); rows != 6000 || sum != 9000 {
			t.Errorf("first then second: %d rows with sum %d", rows, sum)
		}
		got = mustRun(t, e, p, engine.Segment{Tenant: "a", Path: second}, engine.Segment{Tenant: "a", Path: first})
		if rows, sum := total(got.Draws[0]), total(got.Draws[2]); rows != 6000 || sum != 18000 {
			t.Errorf("second then first: %d rows with sum %d", rows, sum)
		}
	}
}

// One unit with 100,000 rows in 10,000 groups moves the answer by no more than
// its limits, however much it holds.
func TestWhale(t *testing.T) {
	w, dir := newWriter(t), t.TempDir()
	crowd := "SELECT (100 + i // 4)::UBIGINT AS _unit, (i % 10000)::BIGINT AS lecturer, (1 + i % 5)::TINYINT AS rating, 'text ' || i % 7 AS word FROM range(40000) t(i)"
	whale := "SELECT 7::UBIGINT AS _unit, (i % 10000)::BIGINT AS lecturer, 127::TINYINT AS rating, 'a text of its own ' || i AS word FROM range(100000) t(i)"
	without := w.segment(dir, "without", crowd+" ORDER BY 1")
	with := w.segment(dir, "with", "SELECT * FROM ("+whale+" UNION ALL "+crowd+") ORDER BY 1")
	p := countPlan()
	p.Keys = []plan.Key{lecturer}
	p.Draws = append(p.Draws, plan.Draw{Kind: plan.DrawSum, Value: rating, Quantum: stars},
		plan.Draw{Kind: plan.DrawSquares, Value: rating, Quantum: stars, Square: plan.SquareOf(stars)},
		plan.Draw{Kind: plan.DrawTree, Value: rating, Quantum: stars, Tree: plan.TreeOf(stars)},
		plan.Draw{Kind: plan.DrawTree, Value: rating, Quantum: stars, Tree: plan.Tree{Leaves: 5, Branching: 2, Levels: 3, StepsPerLeaf: 1}},
		plan.Draw{Kind: plan.DrawDistinct, Value: column("word", plan.KindVarchar)})
	e := newEngine(t, Options{})
	for _, c := range []int64{0, 4} {
		p.Limits = privacy.Bounds{MaxPartitions: 5, MaxRowsPerPartition: 3, MaxL2: c}
		shift := shifts(p, mustRun(t, e, p, engine.Segment{Tenant: "a", Path: with}), mustRun(t, e, p, engine.Segment{Tenant: "a", Path: without}))
		for d, draw := range p.Draws {
			limits, levels := p.Limits, 1
			switch draw.Kind {
			case plan.DrawUnits:
				limits = limits.Units()
			case plan.DrawTree:
				limits.MaxL2, levels = 0, draw.Tree.Levels
			case plan.DrawDistinct:
				limits.MaxL2 = 0
			case plan.DrawRows, plan.DrawSum, plan.DrawSquares: // 3, 3, 3, 3, 3 has a norm of 6.7: 1, 1, 1, 1, 1
			}
			want := limits.L2Rows() * float64(draw.Magnitude()) * math.Sqrt(float64(levels))
			if exact := limits.MaxL2 == 0; shift[d] > want+1e-9 || exact && shift[d] < want-1e-9 {
				t.Errorf("with a norm of %d %s moves by %g in L2, declared is %g", c, draw, shift[d], want)
			}
		}
	}
}

// shifts returns the L2 distance of two results, per draw.
func shifts(of *plan.Bound, a, b *engine.Partials) []float64 {
	at := func(p *engine.Partials, d, node int) map[plan.Value]float64 {
		m := make(map[plan.Value]float64)
		for i, key := range p.Keys {
			m[key[0]] = float64(p.Of(d, of.Draws[d].Width(), []int{i})[node].Clamp(privacy.MaxRelease))
		}
		return m
	}
	out := make([]float64, len(a.Draws))
	for d := range out {
		for node := range of.Draws[d].Width() {
			x, y := at(a, d, node), at(b, d, node)
			for key := range y {
				x[key] -= y[key]
			}
			for _, v := range x {
				out[d] += v * v
			}
		}
		out[d] = math.Sqrt(out[d])
	}
	return out
}

// Secret keys come sorted, with NULL as an ordinary value at the end, and only
// those to which somebody contributes.
func TestSecretKeys(t *testing.T) {
	w, dir := newWriter(t), t.TempDir()
	path := w.segment(dir, "a", `SELECT * FROM (VALUES (1::UBIGINT, 'b', 2::BIGINT), (1, 'a much longer text', 1), (2, NULL, NULL), (3, 'b', 1), (4, 'x', 1))
		AS t(_unit, service, lecturer) ORDER BY _unit`)
	p := countPlan()
	p.Limits.MaxPartitions = 9
	p.Keys = []plan.Key{{Column: "service", Type: plan.Of(plan.KindVarchar)}, lecturer}
	p.Filter = call("<>", call("coalesce", column("service", plan.KindVarchar), lit(plan.StringValue(""))), lit(plan.StringValue("x")))
	got := mustRun(t, newEngine(t, Options{}), p, engine.Segment{Tenant: "a", Path: path})
	text, number := func(s string) plan.Value { return plan.StringValue(s) }, func(v int64) plan.Value { return plan.IntValue(plan.Of(plan.KindBigint), v) }
	want := [][]plan.Value{
		{text("a much longer text"), number(1)}, {text("b"), number(1)}, {text("b"), number(2)},
		{plan.Null(plan.Of(plan.KindVarchar)), plan.Null(plan.Of(plan.KindBigint))},
	}
	if diff := cmp.Diff(want, got.Keys); diff != "" {
		t.Errorf("−want +got:\n%s", diff)
	}
}
