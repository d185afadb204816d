package duckdb

import (
	"context"
	"fmt"
	"math/rand"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/contractparse"
	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/planner"
	"github.com/noised/noised/analytics/reduce"
	"github.com/noised/noised/analytics/sqlparse"
	"github.com/noised/noised/privacy"
)

// trade is a contract of three private tables and two public ones.
const trade = `
dataset: trade
version: 1
privacy_unit: {column: person.id, scope: tenant}
tenant_dimension: public
contribution: {max_partitions: %d, max_rows_per_partition: %d}
tables:
  city:
    public: true
    columns:
      name: {type: varchar, role: dimension, domain: {values: [a, b, c]}}
      land: {type: integer, role: dimension, domain: {range: [1, 3]}}
  land:
    public: true
    columns:
      number: {type: bigint, role: dimension, domain: {range: [1, 3]}}
      title:  {type: varchar, role: dimension, domain: {values: [X, Y, Z]}}
  person:
    columns:
      id:   {type: bigint, role: unit}
      home: {type: varchar, role: dimension, domain: {values: [a, b, c]}}
      age:  {type: integer, role: measure, bounds: [0, 100]}
  buy:
    unit: {via: "buyer -> person.id"}
    columns:
      number: {type: bigint, role: key}
      buyer:  {type: bigint, role: key}
      shop:   {type: varchar, role: dimension, domain: {values: [a, b, c]}}
      paid:   {type: integer, role: measure, bounds: [-50, 50]}
  item:
    unit: {via: "buy -> buy.number"}
    columns:
      buy:   {type: bigint, role: key}
      kind:  {type: varchar, role: dimension}
      price: {type: integer, role: measure, bounds: [0, 20]}
`

// asker plans questions about trade.
type asker struct {
	parser   *sqlparse.Parser
	contract *contract.Contract
}

func newAsker(t testing.TB, partitions, rows int) asker {
	t.Helper()
	parser, err := sqlparse.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { parser.Close() })
	c, err := contractparse.Parse(fmt.Appendf(nil, trade, partitions, rows))
	if err != nil {
		t.Fatal(err, privacy.AsError(err).Problems)
	}
	return asker{parser, c}
}

func (a asker) plan(t rapid.TB, sql string) *plan.Bound {
	t.Helper()
	sel, err := a.parser.Parse(context.Background(), sql)
	if err == nil {
		sel, err = reduce.Reduce(sel, planner.Columns(a.contract))
	}
	if err != nil {
		t.Fatal(sql, err)
	}
	priced, err := planner.Plan(sel, planner.Dataset{Contract: a.contract, Members: []string{"north", "south"}}, planner.Request{})
	if err != nil {
		t.Fatal(sql, err)
	}
	return planner.Streamed(priced.Plan)
}

// The columns that segments of each table store, beside the unit.
var stored = map[string]string{
	"city": "name VARCHAR, land INTEGER", "land": "number BIGINT, title VARCHAR",
	"person": "home VARCHAR, age INTEGER", "buy": "number BIGINT, shop VARCHAR, paid INTEGER", "item": "buy BIGINT, kind VARCHAR, price INTEGER",
}

// ranksOf computes the ranks that segments of private tables store.
var ranksOf = map[string]string{
	"person": `, row_number() OVER (PARTITION BY _unit ORDER BY md5(rowid::VARCHAR)) - 1 AS "_row"`,
	"item":   `, row_number() OVER (PARTITION BY _unit ORDER BY md5(rowid::VARCHAR)) - 1 AS "_row"`,
	"buy": `, row_number() OVER (PARTITION BY _unit ORDER BY md5(rowid::VARCHAR)) - 1 AS "_row",
		row_number() OVER (PARTITION BY _unit, number ORDER BY md5(rowid::VARCHAR)) - 1 AS "_row:number"`,
}

var private = []string{"person", "buy", "item"}

// row is a row of a table as SQL, with its unit unless the table is public.
type row struct {
	tenant, table string
	unit          int
	values        string
}

// load writes rows as segments: per tenant and table as many as parts says.
func load(t testing.TB, w *writer, rows []row, parts int) []engine.Segment {
	dir := t.TempDir()
	type part struct {
		Tenant, Table string
		number        int
	}
	groups := map[part][]row{}
	for i, r := range rows {
		key := part{r.tenant, r.table, i % parts}
		groups[key] = append(groups[key], r)
	}
	var out []engine.Segment
	for key, of := range groups {
		columns := stored[key.Table]
		if key.Tenant != "" {
			columns = "_unit UBIGINT, " + columns
			slices.SortStableFunc(of, func(a, b row) int { return a.unit - b.unit })
		}
		var values []string
		for _, r := range of {
			if key.Tenant == "" {
				values = append(values, "("+r.values+")")
			} else {
				values = append(values, fmt.Sprintf("(%d, %s)", r.unit, r.values))
			}
		}
		w.exec("CREATE OR REPLACE TABLE staged (" + columns + ")")
		w.exec("INSERT INTO staged VALUES " + strings.Join(values, ", "))
		s := engine.Segment{Tenant: key.Tenant, Table: key.Table}
		s.Path = w.segment(dir, key.Tenant+"_"+key.Table+"_"+fmt.Sprint(key.number), "SELECT *"+ranksOf[key.Table]+codesOf(&s)+" FROM staged ORDER BY ALL")
		if s.Tenant != "" && parts == 1 {
			s.Ranks = [][]string{{"number"}}
		}
		out = append(out, s)
	}
	return out
}

// of keeps the segments of the plan's tables.
func of(p *plan.Bound, segments []engine.Segment) []engine.Segment {
	return slices.DeleteFunc(slices.Clone(segments), func(s engine.Segment) bool {
		return !slices.ContainsFunc(p.Sources, func(o plan.Source) bool { return o.Table == s.Table })
	})
}

func (e *Engine) answer(t rapid.TB, p *plan.Bound, segments []engine.Segment) *engine.Partials {
	t.Helper()
	out, err := e.Run(context.Background(), engine.Input{Plan: p, Segments: of(p, segments), Salt: [16]byte{7}})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// questions are joins of every kind.
var questions = []string{
	"SELECT home, COUNT(*), SUM(age), COUNT(DISTINCT id) FROM trade.person GROUP BY home",
	"SELECT kind, COUNT(*), SUM(price) FROM trade.item GROUP BY kind",
	"SELECT shop, COUNT(*), SUM(paid + age), COUNT(DISTINCT buyer) FROM trade.person JOIN trade.buy ON id = buyer GROUP BY shop",
	"SELECT title, COUNT(*), SUM(price), VAR_POP(price) FROM trade.person, trade.buy, trade.item, trade.city, trade.land WHERE id = buyer AND buy = buy.number AND home = name AND land = land.number GROUP BY title",
	"SELECT shop, COUNT(*), COUNT(paid), COUNT(DISTINCT id) FROM trade.person LEFT JOIN trade.buy ON id = buyer GROUP BY shop",
	"SELECT COUNT(*), COUNT(paid), COUNT(price), COUNT(title) FROM trade.item i LEFT JOIN trade.buy b ON b.number = i.buy LEFT JOIN trade.city ON shop = name LEFT JOIN trade.land l ON l.number = land",
	"SELECT kind, a.land, COUNT(*), COUNT(DISTINCT price) FROM trade.item JOIN trade.buy b ON buy = b.number JOIN trade.person ON id = buyer JOIN trade.city a ON a.name = shop JOIN trade.city c ON c.name = home AND c.land = a.land WHERE paid > 0 OR price > 10 GROUP BY kind, a.land",
	"SELECT tenant, COUNT(*) FROM trade.buy JOIN trade.item ON buy = number WHERE shop <> 'c' AND kind LIKE 'k%' GROUP BY tenant",
	"SELECT MEDIAN(price), MAX(paid) FROM trade.buy JOIN trade.item ON buy = number",
}

// examples is the number of random histories; writing their files takes time.
const examples = 6

// drawRows draws what tenants and the operator have loaded, with keys that
// repeat, NULLs, and units without rows in some tables.
func drawRows(t *rapid.T) []row {
	var rows []row
	text := rapid.SampledFrom([]string{"'a'", "'b'", "'c'", "'k'", "NULL"})
	number := func(lo, hi int) string { return fmt.Sprint(rapid.IntRange(lo, hi).Draw(t, "number")) }
	for range rapid.IntRange(2, 6).Draw(t, "cities") {
		rows = append(rows, row{table: "city", values: text.Draw(t, "name") + ", " + number(1, 4)})
	}
	for range rapid.IntRange(2, 6).Draw(t, "lands") {
		rows = append(rows, row{table: "land", values: number(1, 4) + ", " + rapid.SampledFrom([]string{"'X'", "'Y'", "NULL"}).Draw(t, "title")})
	}
	for range rapid.IntRange(10, 60).Draw(t, "rows") {
		r := row{tenant: rapid.SampledFrom([]string{"north", "south"}).Draw(t, "tenant"), unit: rapid.IntRange(1, 4).Draw(t, "unit"),
			table: rapid.SampledFrom(private).Draw(t, "table")}
		switch r.table {
		case "person":
			r.values = text.Draw(t, "home") + ", " + number(0, 120)
		case "buy":
			r.values = number(1, 6) + ", " + text.Draw(t, "shop") + ", " + number(-60, 60)
		case "item":
			r.values = number(1, 6) + ", " + text.Draw(t, "kind") + ", " + number(0, 25)
		}
		rows = append(rows, r)
	}
	return rows
}

// TestJoinedRowsOfOneUnitMoveTheResultByItsBounds: with or without a unit, the
// exact partials differ by no more than the sensitivities say, whatever the rows
// are and however often keys repeat.
func TestJoinedRowsOfOneUnitMoveTheResultByItsBounds(t *testing.T) {
	a := newAsker(t, 2, 3)
	w := newWriter(t)
	var plans []*plan.Bound
	for _, q := range questions {
		plans = append(plans, a.plan(t, q))
	}
	for seed := range examples {
		e := newEngine(t, Options{})
		rows := rapid.Custom(drawRows).Example(seed)
		without := slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return r.tenant == "north" && r.unit == 1 })
		d, d1 := load(t, w, rows, 2), load(t, w, without, 2)
		for i, p := range plans {
			checkNeighbours(t, questions[i], p, e.answer(t, p, d), e.answer(t, p, d1))
		}
	}
}

func checkNeighbours(t rapid.TB, question string, p *plan.Bound, x, y *engine.Partials) {
	t.Helper()
	at := func(o *engine.Partials, draw int) map[string]int64 {
		out, width := map[string]int64{}, p.Draws[draw].Width()
		for g, key := range o.Keys {
			nodes := o.Of(draw, width, []int{g})
			for i := range width {
				out[fmt.Sprint(key, i)] = total(nodes[i : i+1])
			}
		}
		return out
	}
	for i, d := range p.Draws {
		levels := int64(1)
		if d.Kind == plan.DrawTree {
			levels = int64(d.Tree.Levels)
		}
		a, b := at(x, i), at(y, i)
		for k := range b {
			a[k] += 0
		}
		var squares int64
		for k, v := range a {
			squares += (v - b[k]) * (v - b[k])
		}
		per := p.Limits.MaxRowsPerPartition * d.Magnitude()
		if d.Kind == plan.DrawUnits {
			per = 1
		}
		if bound := p.Limits.MaxPartitions * per * per * levels; squares > bound {
			t.Fatalf("%s\ndraw %s moved by √%d, more than √%d", question, d, squares, bound)
		}
	}
}

// TestJoinsAreThoseOfSQL: with bounds that nobody reaches, the partials are what
// SQL says over the rows with their units written out, where a key of a unit
// means one row.
func TestJoinsAreThoseOfSQL(t *testing.T) {
	a := newAsker(t, 1000, 1_000_000)
	w := newWriter(t)
	pairs := []struct{ asked, plain string }{
		{"SELECT COUNT(*) FROM trade.person JOIN trade.buy ON id = buyer", "SELECT count(*) FROM {person} p JOIN buy ON p.u = buy.u"},
		{"SELECT SUM(price) FROM trade.buy, trade.item WHERE buy = number AND shop = 'a'", "SELECT coalesce(sum(price), 0) FROM {buy number, shop} b JOIN item i ON b.u = i.u AND i.buy = b.number WHERE shop = 'a'"},
		{"SELECT SUM(price) FROM trade.person, trade.buy, trade.item, trade.city, trade.land WHERE id = buyer AND buy = buy.number AND home = name AND land = land.number",
			"SELECT coalesce(sum(price), 0) FROM {person home} p JOIN {buy number} b ON p.u = b.u JOIN item i ON b.u = i.u AND i.buy = b.number JOIN city ON home = name JOIN land l ON land = l.number"},
		{"SELECT COUNT(*) FROM trade.person LEFT JOIN trade.buy ON id = buyer LEFT JOIN trade.item ON buy = number",
			"SELECT count(*) FROM {person} p LEFT JOIN {buy number} b ON p.u = b.u LEFT JOIN item i ON b.u = i.u AND i.buy = b.number"},
		{"SELECT COUNT(price) FROM trade.person LEFT JOIN trade.buy ON id = buyer LEFT JOIN trade.item ON buy = number JOIN trade.city ON name = shop",
			"SELECT count(price) FROM {person} p LEFT JOIN {buy number, shop} b ON p.u = b.u LEFT JOIN item i ON b.u = i.u AND i.buy = b.number JOIN city ON name = shop"},
		{"SELECT COUNT(DISTINCT buyer) FROM trade.buy JOIN trade.item ON buy = number", "SELECT count(DISTINCT b.u) FROM {buy number} b JOIN item i ON b.u = i.u AND i.buy = b.number"},
	}
	for seed := range examples {
		e := newEngine(t, Options{})
		rows := rapid.Custom(drawRows).Example(100 + seed)
		segments := load(t, w, rows, 2)
		w.unite(rows)
		for _, q := range pairs {
			var want int64
			plain := referred(q.plain)
			if err := w.db.QueryRow(plain).Scan(&want); err != nil {
				t.Fatal(plain, err)
			}
			p := a.plan(t, q.asked)
			if got := total(e.answer(t, p, segments).Draws[0]); got != want {
				t.Errorf("%s\ngot %d, want %d", q.asked, got, want)
			}
		}
	}
}

// referred writes out {buy number, shop}: of the rows of a unit with one key, one
// is joined, the first in the order of what the query reads of them. In person
// all rows of a unit have one key.
func referred(sql string) string {
	sql = regexp.MustCompile(`\{buy (\w[^}]*)\}`).ReplaceAllString(sql, "(SELECT DISTINCT ON (u, number) * FROM buy ORDER BY u, number, $1)")
	sql = regexp.MustCompile(`\{person (\w+)\}`).ReplaceAllString(sql, "(SELECT DISTINCT ON (u) * FROM person ORDER BY u, $1)")
	return strings.ReplaceAll(sql, "{person}", "(SELECT DISTINCT u FROM person)")
}

// unite makes tables of all rows, where u is the unit with its tenant and
// measures are clamped to their bounds.
func (w *writer) unite(rows []row) {
	for table, columns := range stored {
		w.exec("CREATE OR REPLACE TABLE " + table + " (u VARCHAR, " + columns + ")")
	}
	for _, r := range rows {
		w.exec(fmt.Sprintf("INSERT INTO %s VALUES ('%s%d', %s)", r.table, r.tenant, r.unit, r.values))
	}
	w.exec("UPDATE item SET price = greatest(0, least(20, price))")
}

// TestTheOrderWithinAUnitIsItsOwn: where a unit has more rows than are
// considered, which ones count depends on neither the order of rows, nor how
// they are spread over segments, nor the rows of others.
func TestTheOrderWithinAUnitIsItsOwn(t *testing.T) {
	a := newAsker(t, 2, 3)
	p := a.plan(t, "SELECT kind, SUM(price * paid) FROM trade.buy JOIN trade.item ON buy = number JOIN trade.city ON name = shop GROUP BY kind")
	p.Limits.MaxRows = 4
	w := newWriter(t)
	var rows []row
	for i := range 40 {
		rows = append(rows,
			row{"north", "buy", i % 3, fmt.Sprintf("%d, 'a', %d", i%4, i-20)},
			row{"north", "item", i % 3, fmt.Sprintf("%d, 'k%d', %d", i%4, i%7, i%20)})
	}
	rows = append(rows, row{table: "city", values: "'a', 1"}, row{table: "city", values: "'a', 2"})
	e := newEngine(t, Options{})
	want := e.answer(t, p, load(t, w, rows, 1))
	for seed := range int64(5) {
		rand.New(rand.NewSource(seed)).Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		if diff := cmp.Diff(want, e.answer(t, p, load(t, w, rows, int(seed)+1)), cmp.AllowUnexported(privacy.Int128{})); diff != "" {
			t.Fatal(diff)
		}
	}
}
