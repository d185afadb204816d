package query_test

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2" // writes the segments that the engine reads

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/engine/duckdb"
	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/analytics/showing"
	"github.com/noised/noised/privacy"
)

// stays is about people who keep its limits, so that bounding changes nothing.
const stays = `
dataset: stays
version: 1
privacy_unit: {column: person, scope: person}
tenant_dimension: public
contribution: {max_partitions: 1, max_rows_per_partition: 1}
columns:
  person: {type: bigint, role: unit}
  ward:   {type: varchar, role: dimension, domain: {values: [a, b, c]}}
  drug:   {type: varchar, role: dimension, domain: private}
  days:   {type: integer, role: measure, bounds: [0, 30]}
  cost:   {type: double, role: measure, bounds: [-10, 90], resolution: 0.01}
budget_defaults: {epsilon_per_query: 0.5, delta_per_query: 1e-9}
`

// hospital is a house over the embedded engine, in which 2,000 people of two
// tenants had one stay each.
type hospital struct {
	*house
	days, cost []float64
}

// relation is one table's rows, as a SELECT in the order in which loads write them.
type relation struct{ table, rows string }

// load writes rows as loads do, and publishes them as all that the owner has.
func (h *house) load(dataset, owner string, relations ...relation) {
	h.t.Helper()
	db, err := sql.Open("duckdb", "")
	h.must(err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	g := catalog.Generation{
		ID: privacy.NewID("gen"), Dataset: dataset, Tenant: owner, Version: 1, FormatVersion: 1, Load: privacy.NewID("load"), At: time.Now(),
	}
	for _, r := range relations {
		id := privacy.NewID("seg")
		for _, q := range []string{
			"ATTACH '" + filepath.Join(h.dir, id+".duckdb") + "' AS seg", "CREATE TABLE seg.rows AS " + r.rows,
			"CREATE TABLE seg.meta AS SELECT 'format_version' AS key, '1' AS value", "DETACH seg",
		} {
			if _, err := db.Exec(q); err != nil {
				h.t.Fatalf("%s: %v", q, err)
			}
		}
		g.Segments = append(g.Segments, catalog.Segment{ID: id, Table: r.table, Path: id + ".duckdb", Rows: 1, Bytes: 1, SHA256: id})
	}
	was, _, err := h.catalog.Head(h.t.Context(), dataset, owner)
	h.must(err)
	h.must(h.db.InTx(h.t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		return h.catalog.Publish(ctx, tx, g, was.ID)
	}))
}

// newEngineHouse is a house over the embedded engine, with a large budget.
func newEngineHouse(t *testing.T, text string) *house {
	t.Helper()
	e, err := duckdb.New(duckdb.Options{MemoryLimitMB: 128})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return newHouseOf(t, text, e, 1e5, time.Minute)
}

func newHospital(t *testing.T) *hospital {
	t.Helper()
	h := &hospital{house: newEngineHouse(t, stays)}
	for i, tenant := range []string{"north", "south"} {
		h.load("stays", tenant, relation{rows: fmt.Sprintf(`
			SELECT i::UBIGINT AS _unit, chr((97 + i %% 2)::INTEGER) AS ward, CASE WHEN i %% 100 = 0 THEN 'rare' ELSE 'usual' END AS drug,
				((i * 7) %% 29)::INTEGER AS days, ((i * 37) %% 9000 / 100.0)::DOUBLE AS cost
			FROM range(%d, %d) r(i)`, 1000*i, 1000*i+1000)})
	}
	for i := range 2000 {
		h.days, h.cost = append(h.days, float64(i*7%29)), append(h.cost, float64(i*37%9000)/100)
	}
	slices.Sort(h.days)
	slices.Sort(h.cost)
	return h
}

func mean(xs []float64) float64 {
	sum := 0.0
	for _, x := range xs {
		sum += x
	}
	return sum / float64(len(xs))
}

func varPop(xs []float64) float64 {
	squares := make([]float64, len(xs))
	for i, x := range xs {
		squares[i] = (x - mean(xs)) * (x - mean(xs))
	}
	return mean(squares)
}

func quantileOf(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	return sorted[i] + (at-float64(i))*(sorted[min(i+1, len(sorted)-1)]-sorted[i])
}

// TestEveryAggregateEndToEnd asks for each aggregate at a large ε: the answer is
// within its own interval of the exact value, four times as wide. That is eight
// standard deviations of a Gaussian and eleven scales of a Laplace, and one more
// where the noise was rounded to a whole number: a false rejection below 1e-5
// each.
func TestEveryAggregateEndToEnd(t *testing.T) {
	h := newHospital(t)
	tests := []struct {
		expr  string
		exact float64
		near  float64 // the answer is no further than this, however wide the interval
	}{
		{"COUNT(*)", 2000, 20},
		{"COUNT(DISTINCT person)", 2000, 20},
		{"COUNT(DISTINCT days)", 29, 20},
		{"COUNT(*) FILTER (WHERE ward = 'a')", 1000, 20},
		{"SUM(days)", mean(h.days) * 2000, 600},
		{"AVG(cost)", mean(h.cost), 1},
		{"VAR_POP(days)", varPop(h.days), 5},
		{"VAR_SAMP(cost)", varPop(h.cost) * 2000 / 1999, 50},
		{"STDDEV_POP(cost)", math.Sqrt(varPop(h.cost)), 1},
		{"STDDEV_SAMP(days)", math.Sqrt(varPop(h.days) * 2000 / 1999), 1},
		{"MEDIAN(days)", quantileOf(h.days, 0.5), 1},
		{"MEDIAN(cost)", quantileOf(h.cost, 0.5), 1},
		{"QUANTILE_CONT(cost, 0.9)", quantileOf(h.cost, 0.9), 1},
		{"QUANTILE_CONT(days, 0.25)", quantileOf(h.days, 0.25), 1},
		{"MIN(days)", 0, 38},
		{"MAX(days)", 28, 38},
		{"MIN(cost)", 0, 100},
		{"MAX(cost)", 89.99, 100},
	}
	epsilon := 60.0
	for _, tt := range tests {
		sql := "SELECT " + tt.expr + " AS x FROM stays"
		a, err := h.ask(sql, func(r *question.Request) { r.Epsilon = &epsilon })
		if err != nil {
			t.Errorf("%s: %v", tt.expr, err)
			continue
		}
		c := a.Table.Columns[0]
		x, low, high := c.Values.At(0).AsFloat(), c.Low.At(0).AsFloat(), c.High.At(0).AsFloat()
		width := 4*max(high-x, x-low) + 1
		if math.Abs(x-tt.exact) > width || math.Abs(x-tt.exact) > tt.near {
			t.Errorf("%s = %g in [%g, %g], want %g", tt.expr, x, low, high, tt.exact)
		}
		if c.Mechanism == "public" || c.Bounds == "" {
			t.Errorf("%s: mechanism %q, bounds %q", tt.expr, c.Mechanism, c.Bounds)
		}
	}
}

// TestMinimaAreNearMostly: MIN and MAX stop at the first leaf that stands out of
// noise at 95 %, so about one in 20 stops at a leaf without rows. The middle one
// of 15 releases is there with a probability below 1e-6.
func TestMinimaAreNearMostly(t *testing.T) {
	h := newHospital(t)
	epsilon, exact := 80.0, []float64{0, 28, 0, 89.99}
	values := make([][]float64, len(exact))
	for i := range 15 {
		a, err := h.ask(fmt.Sprintf("SELECT MIN(days) AS a, MAX(days) AS b, MIN(cost) AS c, MAX(cost) AS d FROM stays WHERE cost >= %d", -20-i),
			func(r *question.Request) { r.Epsilon = &epsilon })
		if err != nil || a.Cached {
			t.Fatalf("%+v, %v, want a release of its own", a, err)
		}
		for c := range values {
			values[c] = append(values[c], a.Table.Columns[c].Values.At(0).AsFloat())
		}
	}
	for c, of := range values {
		slices.Sort(of)
		if x := of[len(of)/2]; math.Abs(x-exact[c]) > 3 {
			t.Errorf("column %d: %g, the middle one of %v, want %g", c, x, of, exact[c])
		}
	}
}

// TestOneTreeAnswersEveryQuantile: all quantiles of a column are one draw, and
// cost what one does.
func TestOneTreeAnswersEveryQuantile(t *testing.T) {
	h := newHospital(t)
	one := h.mustAsk("SELECT MEDIAN(days) AS m FROM stays")
	all := h.mustAsk("SELECT MIN(days) AS a, QUANTILE_CONT(days, 0.25) AS b, MEDIAN(days) AS c, QUANTILE_CONT(days, 0.75) AS d, MAX(days) AS e FROM stays")
	if !all.Cached || all.Release.ID != one.Release.ID {
		t.Errorf("five quantiles are release %s, want %s from the store", all.Release.ID, one.Release.ID)
	}
	before := math.Inf(-1)
	for _, c := range all.Table.Columns {
		x := c.Values.At(0).Float
		if x < before || c.Mechanism != "quantile_tree" {
			t.Errorf("%s = %g after %g by %s", c.Name, x, before, c.Mechanism)
		}
		before = x
	}
}

// TestKeysThatAreExpressions groups by buckets, by CASE and through a CTE, with
// every declared group there, and quantiles within groups.
func TestKeysThatAreExpressions(t *testing.T) {
	h := newHospital(t)
	epsilon := 60.0
	tests := []struct {
		sql  string
		want map[string]float64
		near float64
	}{
		{
			"SELECT days // 10 AS k, COUNT(*) AS x FROM stays GROUP BY days // 10",
			map[string]float64{"0": 690, "1": 690, "2": 620, "3": 0}, 20,
		},
		{
			"SELECT CASE WHEN ward = 'a' THEN 'first' ELSE 'rest' END AS k, COUNT(*) AS x FROM stays GROUP BY 1",
			map[string]float64{"first": 1000, "rest": 1000}, 20,
		},
		{
			"WITH s AS (SELECT ward AS k, days AS d FROM stays) SELECT k, MAX(d) AS x FROM s GROUP BY k",
			map[string]float64{"a": 28, "b": 28}, 1,
		},
		{
			"SELECT drug AS k, MEDIAN(days) AS x FROM stays GROUP BY drug",
			map[string]float64{"usual": 14}, 1,
		},
	}
	for _, tt := range tests {
		a, err := h.ask(tt.sql, func(r *question.Request) { r.Epsilon = &epsilon })
		if err != nil {
			t.Errorf("%s: %v", tt.sql, err)
			continue
		}
		got := map[string]float64{}
		for i := range a.Table.Rows() {
			got[a.Table.Columns[0].Values.At(i).Text()] = a.Table.Columns[1].Values.At(i).AsFloat()
		}
		for k, want := range tt.want {
			if x, ok := got[k]; !ok || math.Abs(x-want) > tt.near {
				t.Errorf("%s: %v, want %s about %g", tt.sql, got, k, want)
			}
		}
	}
}

// shop has two private tables, one below the other, and a public one.
const shop = `
dataset: shop
version: 1
privacy_unit: {column: customer.c_id, scope: tenant}
contribution: {max_partitions: 1, max_rows_per_partition: 2}
tables:
  nation:
    public: true
    columns:
      n_id:   {type: integer, role: dimension, domain: {range: [0, 3]}}
      n_name: {type: varchar, role: dimension, domain: {values: [east, west]}}
  customer:
    columns:
      c_id:     {type: bigint, role: unit}
      c_nation: {type: integer, role: dimension, domain: {range: [0, 3]}}
  orders:
    unit: {via: "o_customer -> customer.c_id"}
    columns:
      o_customer: {type: bigint, role: key}
      o_price:    {type: integer, role: measure, bounds: [0, 100]}
budget_defaults: {epsilon_per_query: 0.5, delta_per_query: 1e-9}
`

// TestJoinsEndToEnd reads the segments of the tables that a query names, of its
// tenants and of the operator, and a new public table makes a new release.
func TestJoinsEndToEnd(t *testing.T) {
	h := newEngineHouse(t, shop)
	nation := func(east string) {
		h.load("shop", catalog.Public, relation{"nation", "SELECT i::INTEGER AS n_id, CASE WHEN i IN (" + east + ") THEN 'east' ELSE 'west' END AS n_name FROM range(4) r(i)"})
	}
	nation("0")
	for _, tenant := range []string{"north", "south"} {
		h.load("shop", tenant,
			relation{"customer", "SELECT i::UBIGINT AS _unit, i AS c_id, (i % 4)::INTEGER AS c_nation FROM range(400) r(i)"},
			relation{"orders", "SELECT (i // 2)::UBIGINT AS _unit, i // 2 AS o_customer, (i % 2 * 100)::INTEGER AS o_price FROM range(800) r(i)"})
	}
	const byNation = "SELECT n_name AS k, COUNT(*) AS x FROM shop.orders JOIN shop.customer ON o_customer = c_id JOIN shop.nation ON c_nation = n_id GROUP BY n_name"
	epsilon := 60.0
	count := func(sql string) (map[string]float64, *showing.Answer) {
		a := h.mustAsk(sql, func(r *question.Request) { r.Epsilon = &epsilon })
		got := map[string]float64{}
		for i := range a.Table.Rows() {
			got[a.Table.Columns[0].Values.At(i).Text()] = a.Table.Columns[1].Values.At(i).AsFloat()
		}
		return got, a
	}
	got, first := count(byNation)
	if math.Abs(got["east"]-400) > 20 || math.Abs(got["west"]-1200) > 20 {
		t.Errorf("orders by nation: %v, want 400 and 1200", got)
	}
	if unit := first.Table.Get("noised.privacy_unit"); unit != `{"column":"customer.c_id","scope":"tenant"}` {
		t.Errorf("privacy unit %s", unit)
	}
	if again, a := count(byNation); !a.Cached || again["east"] != got["east"] {
		t.Error("the same join was computed anew")
	}
	nation("0, 1")
	if got, a := count(byNation); a.Cached || math.Abs(got["east"]-800) > 20 {
		t.Errorf("after a new public table: %v, cached %t, want 800", got, a.Cached)
	}
	alone := h.mustAsk("SELECT COUNT(*) AS x, MEDIAN(o_price) AS m FROM shop.orders", func(r *question.Request) { r.Epsilon = &epsilon })
	if x := alone.Table.Columns[0].Values.At(0).Int; x < 1580 || x > 1620 {
		t.Errorf("%d orders, want 1600", x)
	}
}
