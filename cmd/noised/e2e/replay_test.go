//go:build audit

package e2e

import (
	"bytes"
	"database/sql"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2" // writes the histories' segments

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/contractparse"
	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/engine/duckdb"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/planner"
	"github.com/noised/noised/analytics/pricing"
	"github.com/noised/noised/analytics/sqlparse"
	maker "github.com/noised/noised/ingest/build"
	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/mechanism"
)

// TestAuditReplay draws random contracts, histories and questions, and runs each
// question on a history and on the same history without one unit. What is drawn
// must be the same, group by group, and the exact integers that go into the
// noise must not move further than what the price of each draw pays for.
func TestAuditReplay(t *testing.T) {
	histories, questions := times(120, 3000), 12
	p := newReplayer(t)
	triples, tightest, bounded := 0, 0.0, map[plan.Bounding][2]float64{}
	for i := range histories {
		r := rand.New(rand.NewPCG(1, uint64(i)))
		h := newHistory(r)
		d, other := p.write(t, h, fmt.Sprint("d", i), -1), p.write(t, h, fmt.Sprint("e", i), h.unit(r))
		for range questions {
			text := h.question(r)
			priced, err := p.plan(t, h, text, r)
			if err != nil {
				if code := privacy.CodeOf(err); code == privacy.CodeInternal {
					t.Fatalf("history %d: %s: %v", i, text, err)
				}
				continue // refused, on both
			}
			used, err := p.compare(t, priced, d, other)
			if err != nil {
				t.Fatalf("history %d, %s\n%s\n%v", i, h.contract, text, err)
			}
			triples, tightest = triples+1, max(tightest, used)
			by := priced.Plan.Strategy.Bounding
			bounded[by] = [2]float64{bounded[by][0] + 1, max(bounded[by][1], used)}
		}
	}
	for _, by := range []plan.Bounding{plan.BoundStream, plan.BoundIndex, plan.BoundRows} {
		if saw := bounded[by]; saw[0] < float64(histories)/6 || saw[1] < 0.9 {
			t.Errorf("bounded by %s: %g triples, the tightest used %.2f of its sensitivity: the test sees too little", by, saw[0], saw[1])
		}
	}
	if triples < histories*questions/2 || tightest < 0.9 {
		t.Errorf("only %d triples were permitted, and the tightest used %.2f of its sensitivity: the test sees too little", triples, tightest)
	}
	verdict(t, "replay", triples, 1.0, tightest)
}

// replayer has the program's own parser, planner and engine.
type replayer struct {
	parser *sqlparse.Parser
	engine *duckdb.Engine
	files  *sql.DB
	dir    string
}

func newReplayer(t *testing.T) *replayer {
	t.Helper()
	parser, err := sqlparse.New()
	check(t, err)
	t.Cleanup(func() { check(t, parser.Close()) })
	run, err := duckdb.New(duckdb.Options{TempDir: t.TempDir()})
	check(t, err)
	t.Cleanup(func() { check(t, run.Close()) })
	files, err := sql.Open("duckdb", "")
	check(t, err)
	files.SetMaxOpenConns(1)
	t.Cleanup(func() { check(t, files.Close()) })
	return &replayer{parser, run, files, t.TempDir()}
}

// entry is one row of a history.
type entry struct {
	tenant, load int
	unit         int64
	values       string // of the columns g, h, s, x, y and d, as SQL
}

type history struct {
	contract string
	ranked   bool // segments have ranks
	appended bool // there is one for each load, though there are ranks
	parsed   *contract.Contract
	tenants  []string
	rows     []entry
}

func newHistory(r *rand.Rand) *history {
	h := &history{}
	scope := []string{"person", "tenant"}[r.IntN(2)]
	bounds := fmt.Sprintf("max_partitions: %d, max_rows_per_partition: %d", 1+r.IntN(5), 1+r.IntN(6))
	switch r.IntN(4) {
	case 0:
		bounds += fmt.Sprintf(", max_l2: %d", 1+r.IntN(6))
	case 1:
		bounds = fmt.Sprintf("max_rows: %d", 3+r.IntN(10)) // which loads keep one by one: over several there are more rows
	}
	h.contract = fmt.Sprintf(`
dataset: d
version: 1
privacy_unit: {column: u, scope: %s}
tenant_dimension: public
contribution: {%s}
columns:
  u: {type: bigint, role: unit}
  g: {type: integer, role: dimension, domain: {range: [0, 5]}}
  h: {type: varchar, role: dimension, domain: {values: [a, b, c]}}
  s: {type: varchar, role: dimension, domain: private}
  x: {type: integer, role: measure, bounds: [-5, 9]}
  y: {type: double, role: measure, bounds: [-1, 3], resolution: 0.001}
  d: {type: date, role: dimension, domain: {from: 2024-01-01, to: 2024-06-30, every: day}}
`, scope, bounds)
	var err error
	if h.parsed, err = contractparse.Parse([]byte(h.contract)); err != nil {
		panic(err)
	}
	h.ranked, h.appended = r.IntN(2) == 0, r.IntN(2) == 0
	for i := range 1 + r.IntN(3) {
		h.tenants = append(h.tenants, fmt.Sprint("t", i))
	}
	heavy := int64(r.IntN(4))
	for u := range int64(12) {
		n := r.IntN(6)
		if u == heavy {
			n = 30 + r.IntN(60)
		}
		for range n {
			h.rows = append(h.rows, entry{r.IntN(len(h.tenants)), r.IntN(2), u, randomValues(r)})
		}
	}
	return h
}

func randomValues(r *rand.Rand) string {
	pick := func(values ...string) string { return values[r.IntN(len(values))] }
	return strings.Join([]string{
		pick("0", "1", "2", "3", "4", "5", "6", "NULL"), pick("'a'", "'b'", "'c'", "'z'", "NULL"), pick("'k1'", "'k2'", "'k3'", "'lone'", "''", "NULL"),
		pick("-100", "-5", "0", "1", "9", "2000000000", "NULL"),
		pick("'nan'::DOUBLE", "'inf'::DOUBLE", "'-inf'::DOUBLE", "1e308", "-1e308", "0.0", "-0.0", "2.9995", "3.0", "-1.0", "NULL"),
		pick("DATE '2024-01-31'", "DATE '2024-02-29'", "DATE '2024-06-30'", "DATE '1000-01-01'", "DATE '9999-12-31'", "'infinity'::DATE", "'5000000-01-01'::DATE", "NULL"),
	}, ", ")
}

// unit picks one that has rows, more often one that has many.
func (h *history) unit(r *rand.Rand) int64 {
	if len(h.rows) == 0 {
		return 0
	}
	return h.rows[r.IntN(len(h.rows))].unit
}

// write makes the segments of a history, one per tenant and load, or per tenant
// where they are ranked at once, without the rows of one unit. Under scope tenant a
// unit is one tenant's.
func (p *replayer) write(t *testing.T, h *history, name string, without int64) []engine.Segment {
	t.Helper()
	var out []engine.Segment
	order := "_unit"
	if h.parsed.Limits.MaxRows > 0 {
		order = "ALL" // as in a load, the order within a unit depends on its rows alone
	}
	for tenant, called := range h.tenants {
		var loads []string
		for load := range 2 {
			var rows []string
			for _, e := range h.rows {
				gone := e.unit == without && (h.parsed.Unit.Scope == plan.ScopePerson || e.tenant == 0)
				if e.tenant == tenant && e.load == load && !gone {
					rows = append(rows, fmt.Sprintf("(%d::UBIGINT, %s)", e.unit, e.values))
				}
			}
			path := filepath.Join(p.dir, fmt.Sprintf("%s_%d_%d.duckdb", name, tenant, load))
			values := "(VALUES " + strings.Join(rows, ", ") + ") v(_unit, g, h, s, x, y, d)"
			if len(rows) == 0 {
				values = "(SELECT 0::UBIGINT, NULL, NULL, NULL, NULL, NULL, NULL WHERE false) v(_unit, g, h, s, x, y, d)"
			}
			for _, stmt := range []string{
				fmt.Sprintf("ATTACH '%s' AS seg", path),
				`CREATE TABLE seg.rows AS SELECT _unit, g::INTEGER AS g, h::VARCHAR AS h, s::VARCHAR AS s, x::INTEGER AS x, y::DOUBLE AS y, d::DATE AS d FROM ` + values + ` ORDER BY ` + order,
				"DETACH seg",
			} {
				if _, err := p.files.Exec(stmt); err != nil {
					t.Fatalf("%s: %v", stmt, err)
				}
			}
			if loads = append(loads, path); !h.ranked {
				out = append(out, engine.Segment{Tenant: called, Path: path})
			}
		}
		if h.ranked {
			out = append(out, rankedSegments(t, h.parsed, called, loads, h.appended)...)
		}
	}
	return out
}

// rankedSegments makes loads into one segment with ranks, or into one each that
// goes on from those before, as a server does.
func rankedSegments(t *testing.T, c *contract.Contract, tenant string, loads []string, each bool) (out []engine.Segment) {
	t.Helper()
	if !each {
		return []engine.Segment{rankedSegment(t, c, tenant, loads, nil)}
	}
	var earlier []string
	for _, load := range loads {
		s := rankedSegment(t, c, tenant, []string{load}, earlier)
		out, earlier = append(out, s), append(earlier, s.Path)
	}
	return out
}

func rankedSegment(t *testing.T, c *contract.Contract, tenant string, loads, earlier []string) engine.Segment {
	t.Helper()
	spec := maker.Spec{
		Task: maker.TaskMerge, Dir: t.TempDir(), Segments: loads, Earlier: earlier, Salt: bytes.Repeat([]byte{7}, 16), MemoryMB: 256, Threads: 1,
		Meta: segment.Meta{Dataset: c.Dataset, Tenant: tenant, ContractVersion: c.Version, Ranks: c.Ranks("")},
	}
	for _, column := range c.Stored("") {
		spec.Columns = append(spec.Columns, segment.Column{Name: column.Name, Type: column.Type})
	}
	if c.MaxRowsOnly {
		spec.MaxRows = c.Limits.MaxRows
	}
	_, err := maker.Do(t.Context(), spec, new(atomic.Int64))
	check(t, err)
	return engine.Segment{Tenant: tenant, Path: filepath.Join(spec.Dir, maker.SegmentFile), Ranks: spec.Meta.Ranks}
}

// question writes a random SELECT.
func (h *history) question(r *rand.Rand) string {
	pick := func(values ...string) string { return values[r.IntN(len(values))] }
	aggregates := []string{
		"COUNT(*)", "COUNT(x)", "COUNT(DISTINCT u)", "COUNT(DISTINCT s)", "COUNT(DISTINCT x)", "SUM(x)", "AVG(x)", "SUM(y)", "AVG(y * 2 + x)", "VAR_POP(x)", "VAR_SAMP(y)", "STDDEV_POP(x)",
		"STDDEV_SAMP(y)", "MEDIAN(x)", "QUANTILE_CONT(y, 0.25)", "MIN(x)", "MAX(y)", "SUM(x / y)", "COUNT(*) FILTER (WHERE x > 0)", "SUM(y) FILTER (WHERE CAST(s AS INTEGER) = 1)", "SUM(CASE WHEN h = 'a' THEN x ELSE 0 END)",
	}
	keys := []string{"g", "h", "s", "tenant", "d", "date_trunc('month', d)", "CASE WHEN g < 3 THEN 'low' ELSE 'high' END", "CASE WHEN s = 'lone' THEN 1 WHEN s = 'k1' THEN 2 END", "x", "x // 4", "year(d)", "g % 2", "lower(s)"}
	filters := []string{"", "", "x > 0", "y BETWEEN 0 AND 2", "h IN ('a', 'b')", "s IS NOT NULL", "tenant <> 't1'", "1 / y > 0", "d >= DATE '2024-02-01'", "CAST(s AS DATE) IS NULL", "sqrt(y) < 1"}
	if r.IntN(3) == 0 { // plainer ones, which stored ranks may bound
		aggregates = []string{"COUNT(*)", "COUNT(x)", "COUNT(DISTINCT u)", "SUM(x)", "AVG(x)", "SUM(y)", "VAR_POP(x)", "STDDEV_SAMP(y)"}
		keys, filters = []string{"g", "h", "d", "tenant"}, []string{""}
	}
	var items, grouped []string
	for range r.IntN(3) {
		k := keys[r.IntN(len(keys))]
		grouped = append(grouped, k)
		items = append(items, k)
	}
	for range 1 + r.IntN(3) {
		items = append(items, pick(aggregates...))
	}
	text := "SELECT " + strings.Join(items, ", ") + " FROM d"
	if f := pick(filters...); f != "" {
		text += " WHERE " + f
	}
	if len(grouped) > 0 {
		text += " GROUP BY " + strings.Join(grouped, ", ")
	}
	return text
}

func (p *replayer) plan(t *testing.T, h *history, text string, r *rand.Rand) (*pricing.Priced, error) {
	t.Helper()
	sel, err := p.parser.Parse(t.Context(), text)
	if err != nil {
		return nil, err
	}
	req := planner.Request{Loss: privacy.Loss{Epsilon: math.Exp(r.Float64()*5 - 3), Delta: 1e-6}}
	if r.IntN(3) == 0 {
		req.MaxPartitions = ptr(1 + r.Int64N(h.parsed.Limits.MaxPartitions))
	}
	priced, err := planner.Plan(sel, planner.Dataset{Contract: h.parsed, Members: h.tenants}, req)
	if err == nil && !h.ranked {
		priced.Plan = planner.Streamed(priced.Plan)
	}
	return priced, err
}

// compare runs a plan on both sides. It returns how much of the sensitivity that
// was paid for the largest shift of a draw used.
func (p *replayer) compare(t *testing.T, priced *pricing.Priced, d, other []engine.Segment) (used float64, err error) {
	t.Helper()
	var sides [2]*engine.Partials
	for i, segments := range [][]engine.Segment{d, other} {
		if sides[i], err = p.exact(t, priced, segments); err != nil {
			return 0, err
		}
	}
	if !priced.Plan.Secret() && len(sides[0].Keys) != len(sides[1].Keys) {
		return 0, fmt.Errorf("%d and %d declared groups", len(sides[0].Keys), len(sides[1].Keys))
	}
	for i, draw := range priced.Plan.Draws {
		lost, paid := lossOf(shiftOf(sides, i, draw.Width()), priced.Noise[i])
		if lost > paid*(1+1e-7) {
			return 0, fmt.Errorf("the draw %s loses μ² = %.9g, and %.9g is paid for", draw, lost, paid)
		}
		used = max(used, math.Sqrt(lost/paid))
	}
	return used, nil
}

// exact runs a plan on the segments of its tenants.
func (p *replayer) exact(t *testing.T, priced *pricing.Priced, segments []engine.Segment) (*engine.Partials, error) {
	t.Helper()
	in := engine.Input{Plan: priced.Plan, Salt: [16]byte{1, 2, 3}}
	for _, s := range segments {
		for _, tenant := range priced.Plan.Tenants {
			if s.Tenant == tenant || s.Tenant == "" && tenant == priced.Plan.Tenants[0] { // public tables once
				in.Segments = append(in.Segments, s)
			}
		}
	}
	return p.engine.Run(t.Context(), in)
}

// shiftOf returns by how much each integer of one draw differs between the
// sides, group by group; a group that only one side has is zeros on the other.
func shiftOf(sides [2]*engine.Partials, draw, width int) (shifts []float64) {
	by := map[string][2][]privacy.Int128{}
	for side, p := range sides {
		for g, key := range p.Keys {
			text := ""
			for _, v := range key {
				text += v.Canonical() + ","
			}
			pair := by[text]
			pair[side] = p.Of(draw, width, []int{g})
			by[text] = pair
		}
	}
	at := func(v []privacy.Int128, i int) float64 {
		if v == nil {
			return 0
		}
		return float64(v[i].Clamp(privacy.MaxRelease))
	}
	for _, pair := range by {
		for i := range width {
			shifts = append(shifts, math.Abs(at(pair[0], i)-at(pair[1], i)))
		}
	}
	return shifts
}

// lossOf returns the μ² that a shift of a vector loses to its noise, and the μ²
// that was paid: (d/σ)² for each coordinate of a Gaussian, that of the Laplace
// mechanism for ε = d/b otherwise. The stated deviation has the rounding's
// twelfth in its square, up to 4e^(−2π²σ²) of it, which counts where σ is small.
func lossOf(shifts []float64, s mechanism.Spec) (lost, paid float64) {
	paid, _ = s.Cost.Real()
	continuous := math.Sqrt(s.Stddev*s.Stddev - 1.0/12)
	continuous *= 1 + 4*math.Exp(-2*math.Pi*math.Pi*continuous*continuous)
	for _, d := range shifts {
		mu := d / continuous
		if s.Kind == mechanism.Laplace {
			mu = privacy.LaplaceMu(d / continuous * math.Sqrt2)
		}
		lost += mu * mu
	}
	return lost, paid
}

// TestAuditAttack19Order shuffles the rows of random histories between loads and
// within units, and runs each question with 1, 2 and 8 threads: the exact
// integers are the same, every one.
func TestAuditAttack19Order(t *testing.T) {
	p := newReplayer(t)
	engines := []*duckdb.Engine{p.engine}
	for _, threads := range []int{1, 8} {
		e, err := duckdb.New(duckdb.Options{Threads: threads, TempDir: t.TempDir()})
		check(t, err)
		t.Cleanup(func() { check(t, e.Close()) })
		engines = append(engines, e)
	}
	compared := 0
	for i := range times(25, 500) {
		r := rand.New(rand.NewPCG(19, uint64(i)))
		h := newHistory(r)
		if h.parsed.Limits.MaxRows > 0 {
			continue // which rows exceed a bound is decided at load
		}
		h.appended = false // else rows of earlier loads come first, and a query would stream
		var orders [][]engine.Segment
		for order := range 3 {
			r.Shuffle(len(h.rows), func(a, b int) { h.rows[a], h.rows[b] = h.rows[b], h.rows[a] })
			for k := range h.rows {
				h.rows[k].load = r.IntN(2)
			}
			orders = append(orders, p.write(t, h, fmt.Sprint("o", i, "_", order), -1))
		}
		for range 8 {
			text := h.question(r)
			priced, err := p.plan(t, h, text, r)
			if err != nil {
				continue
			}
			want := ""
			for k, e := range engines {
				p.engine = e
				got, err := p.exact(t, priced, orders[k])
				check(t, err)
				if text := fmt.Sprintf("%v %v", got.Keys, got.Draws); want == "" {
					want = text
				} else if text != want {
					t.Fatalf("history %d, %s: in another order\n%s\nwant\n%s", i, text, text, want)
				}
				compared++
			}
		}
	}
	verdict(t, "attack-19", compared, "identical", "identical")
}
