//go:build audit

package e2e

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/contractparse"
	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/planner"
	"github.com/noised/noised/analytics/pricing"
	"github.com/noised/noised/analytics/reduce"
	"github.com/noised/noised/privacy"
)

// TestAuditReplayJoins does what TestAuditReplay does over several tables: random
// joins of three private and two public tables, in subqueries and WITH, on
// histories in which people share keys, so that only the unit keeps their rows
// apart, and in which joins make more rows than anybody loaded.
func TestAuditReplayJoins(t *testing.T) {
	histories, questions := times(80, 2000), 12
	p := newReplayer(t)
	triples, tightest := 0, 0.0
	for i := range histories {
		r := rand.New(rand.NewPCG(2, uint64(i)))
		m := newMarket(r)
		gone := r.IntN(6)
		d, other := m.write(t, p, fmt.Sprint("m", i), -1), m.write(t, p, fmt.Sprint("n", i), gone)
		for range questions {
			text := m.question(r)
			priced, err := m.plan(t, p, text, r)
			if err != nil {
				if privacy.CodeOf(err) != privacy.CodeQueryNotPermitted {
					t.Fatalf("history %d: %s: %v", i, text, err)
				}
				continue // on both
			}
			used, err := p.compare(t, priced, tablesOf(priced, d), tablesOf(priced, other))
			if err != nil {
				t.Fatalf("history %d without %d, %s\n%s\n%v", i, gone, m.contract, text, err)
			}
			triples, tightest = triples+1, max(tightest, used)
		}
	}
	if triples < histories*questions/2 || tightest < 0.9 {
		t.Errorf("only %d triples were permitted, and the tightest used %.2f of its sensitivity: the test sees too little", triples, tightest)
	}
	verdict(t, "replay-joins", triples, 1.0, tightest)
}

// market is a history of several tables.
type market struct {
	contract string
	parsed   *contract.Contract
	tenants  []string
	rows     []sale
}

// sale is a row of one table; public ones have no tenant.
type sale struct {
	tenant, table string
	unit          int
	values        string
}

func newMarket(r *rand.Rand) *market {
	m := &market{}
	bounds := fmt.Sprintf("max_partitions: %d, max_rows_per_partition: %d", 1+r.IntN(4), 1+r.IntN(5))
	switch r.IntN(4) {
	case 0:
		bounds += fmt.Sprintf(", max_l2: %d", 1+r.IntN(5))
	case 1:
		bounds = fmt.Sprintf("max_rows: %d", 2+r.IntN(6)) // of each table; joins have more
	}
	m.contract = fmt.Sprintf(`
dataset: d
version: 1
privacy_unit: {column: person.id, scope: %s}
tenant_dimension: public
contribution: {%s}
tables:
  city:
    public: true
    columns: {name: {type: varchar, role: dimension, domain: {values: [a, b]}}, land: {type: integer, role: dimension, domain: {range: [1, 3]}}, people: {type: integer, role: measure, bounds: [0, 9]}}
  land:
    public: true
    columns: {code: {type: bigint, role: key}, title: {type: varchar, role: dimension}}
  person:
    columns: {id: {type: bigint, role: unit}, home: {type: varchar, role: dimension, domain: {values: [a, b]}}, age: {type: integer, role: measure, bounds: [-5, 9]}}
  buy:
    unit: {via: "buyer -> person.id"}
    columns: {number: {type: bigint, role: key}, buyer: {type: bigint, role: key}, shop: {type: varchar, role: dimension}, paid: {type: integer, role: measure, bounds: [-2, 7]}}
  item:
    unit: {via: "buy -> buy.number"}
    columns: {buy: {type: bigint, role: key}, kind: {type: integer, role: dimension, domain: {range: [0, 3]}}, price: {type: double, role: measure, bounds: [0, 3], resolution: 0.01}}
`, []string{"person", "tenant"}[r.IntN(2)], bounds)
	var err error
	if m.parsed, err = contractparse.Parse([]byte(m.contract)); err != nil {
		panic(err)
	}
	pick := func(values ...string) string { return values[r.IntN(len(values))] }
	for range r.IntN(6) {
		m.rows = append(m.rows,
			sale{"", "city", 0, pick("'a'", "'b'", "NULL") + ", " + pick("1", "2", "5", "NULL") + ", " + pick("0", "9", "50")},
			sale{"", "land", 0, pick("1", "2", "5", "NULL") + ", " + pick("'X'", "'Y'", "NULL")})
	}
	for i := range 1 + r.IntN(2) {
		m.tenants = append(m.tenants, fmt.Sprint("t", i))
	}
	heavy := r.IntN(6)
	for unit := range 6 {
		for _, table := range []string{"person", "buy", "item"} {
			n := r.IntN(3)
			if unit == heavy {
				n = r.IntN(12)
			}
			for range n {
				key := pick("1", "1", "2", "3", "NULL") // of anybody: people share them
				values := map[string]string{
					"person": pick("'a'", "'b'", "'z'", "NULL") + ", " + pick("-100", "-5", "0", "9", "NULL"),
					"buy":    key + ", " + pick("'a'", "'b'", "'k'", "NULL") + ", " + pick("-2", "0", "7", "90", "NULL"),
					"item":   key + ", " + pick("0", "1", "3", "8", "NULL") + ", " + pick("0.0", "3.0", "1e300", "'nan'::DOUBLE", "NULL"),
				}
				m.rows = append(m.rows, sale{pick(m.tenants...), table, unit, values[table]})
			}
		}
	}
	return m
}

// write makes a segment for each table that somebody has loaded. Under scope
// tenant the unit that is left out is that of the first tenant.
func (m *market) write(t *testing.T, p *replayer, name string, without int) (out []engine.Segment) {
	t.Helper()
	columns := map[string]string{
		"city": "name VARCHAR, land INTEGER, people INTEGER", "land": "code BIGINT, title VARCHAR", "person": "_unit UBIGINT, home VARCHAR, age INTEGER",
		"buy": "_unit UBIGINT, number BIGINT, shop VARCHAR, paid INTEGER", "item": "_unit UBIGINT, buy BIGINT, kind INTEGER, price DOUBLE",
	}
	for _, tenant := range append([]string{""}, m.tenants...) {
		for table, stored := range columns {
			private := strings.HasPrefix(stored, "_unit")
			if private != (tenant != "") {
				continue
			}
			path, order := filepath.Join(p.dir, fmt.Sprintf("%s_%s_%s.duckdb", name, tenant, table)), ""
			stmts := []string{fmt.Sprintf("ATTACH '%s' AS seg", path), "CREATE OR REPLACE TEMP TABLE staged (" + stored + ")"}
			for _, s := range m.rows {
				gone := s.unit == without && (m.parsed.Unit.Scope == plan.ScopePerson || s.tenant == m.tenants[0])
				switch {
				case s.table != table || s.tenant != tenant || private && gone:
				case private:
					stmts = append(stmts, fmt.Sprintf("INSERT INTO staged VALUES (%d, %s)", s.unit, s.values))
				default:
					stmts = append(stmts, fmt.Sprintf("INSERT INTO staged VALUES (%s)", s.values))
				}
			}
			if private {
				order = " ORDER BY ALL" // as a load under max_rows, the order within a unit is its rows'
			}
			for _, stmt := range append(stmts, "CREATE TABLE seg.rows AS SELECT * FROM staged"+order, "DETACH seg") {
				if _, err := p.files.Exec(stmt); err != nil {
					t.Fatalf("%s: %v", stmt, err)
				}
			}
			out = append(out, engine.Segment{Tenant: tenant, Table: table, Path: path})
		}
	}
	return out
}

// tablesOf keeps the segments that a plan reads.
func tablesOf(priced *pricing.Priced, segments []engine.Segment) (out []engine.Segment) {
	for _, s := range segments {
		if slices.ContainsFunc(priced.Plan.Sources, func(o plan.Source) bool { return o.Table == s.Table }) {
			out = append(out, s)
		}
	}
	return out
}

// joinShape is a FROM with the columns that it has.
type joinShape struct {
	from, with     string
	keys, measures []string
	unit           string
}

var joinShapes = []joinShape{
	{from: "d.person p", keys: []string{"p.home", "tenant"}, measures: []string{"p.age"}, unit: "p.id"},
	{from: "d.buy b", keys: []string{"b.shop", "tenant"}, measures: []string{"b.paid"}, unit: "b.buyer"},
	{from: "d.person p JOIN d.buy b ON p.id = b.buyer", keys: []string{"p.home", "b.shop", "p.tenant"}, measures: []string{"p.age", "b.paid"}, unit: "p.id"},
	{from: "d.person p LEFT JOIN d.buy b ON b.buyer = p.id", keys: []string{"p.home", "b.shop"}, measures: []string{"p.age", "b.paid"}, unit: "p.id"},
	{from: "d.item i, d.buy b, d.person p WHERE i.buy = b.number AND b.buyer = p.id", keys: []string{"p.home", "i.kind", "b.shop"}, measures: []string{"i.price", "b.paid", "p.age"}, unit: "b.buyer"},
	{from: "d.item i JOIN d.buy b ON i.buy = b.number", keys: []string{"i.kind", "b.shop"}, measures: []string{"i.price", "b.paid"}, unit: "b.buyer"},
	{from: "d.person p LEFT JOIN d.buy b ON b.buyer = p.id LEFT JOIN d.item i ON i.buy = b.number", keys: []string{"p.home", "i.kind"}, measures: []string{"i.price", "p.age"}, unit: "p.id"},
	{from: "d.person p JOIN d.city c ON p.home = c.name", keys: []string{"p.home", "c.land"}, measures: []string{"p.age", "c.people"}, unit: "p.id"},
	{from: "d.buy b LEFT JOIN d.city c ON b.shop = c.name LEFT JOIN d.land l ON l.code = c.land", keys: []string{"l.title", "c.land", "b.shop"}, measures: []string{"b.paid", "c.people"}, unit: "b.buyer"},
	{from: "d.person p JOIN d.city c ON p.home = c.name JOIN d.city e ON e.land = c.land JOIN d.buy b ON b.buyer = p.id AND b.shop = e.name", keys: []string{"c.land", "e.name"}, measures: []string{"e.people", "b.paid"}, unit: "p.id"},
	{from: "(SELECT b.number AS n, b.shop AS s, b.paid + 1 AS more, b.buyer AS u FROM d.buy b WHERE b.paid > 0) x JOIN d.item i ON i.buy = x.n", keys: []string{"x.s", "i.kind"}, measures: []string{"x.more", "i.price"}, unit: "x.u"},
	{with: "WITH x AS (SELECT home AS h, id, CASE WHEN age > 0 THEN 1 ELSE 2 END AS old FROM d.person WHERE tenant <> 't1')", from: "x JOIN d.buy b ON x.id = b.buyer", keys: []string{"x.h", "x.old", "b.shop"}, measures: []string{"b.paid"}, unit: "x.id"},
	{with: "WITH x AS (SELECT * FROM d.person), y AS (SELECT * FROM x WHERE age > -5)", from: "x JOIN y ON x.id = y.id", keys: []string{"x.home"}, measures: []string{"y.age"}, unit: "x.id"}, // refused: the same table twice
	{from: "d.person p JOIN d.item i ON p.home = i.kind", keys: []string{"p.home"}, measures: []string{"p.age"}, unit: "p.id"},                                                                // refused: no foreign key
}

func (m *market) question(r *rand.Rand) string {
	pick := func(values ...string) string { return values[r.IntN(len(values))] }
	s := joinShapes[r.IntN(len(joinShapes)-r.IntN(3))]
	x, y := pick(s.measures...), pick(s.measures...)
	aggregates := []string{
		"COUNT(*)", "COUNT(" + x + ")", "COUNT(DISTINCT " + s.unit + ")", "COUNT(DISTINCT " + pick(s.keys...) + ")", "COUNT(DISTINCT " + x + ")",
		"SUM(" + x + ")", "AVG(" + x + ")", "VAR_POP(" + x + ")", "SUM(" + x + " * " + y + ")", "MEDIAN(" + x + ")", "MIN(" + y + ")", "COUNT(*) FILTER (WHERE " + x + " > 0)",
		"SUM(" + x + ") FILTER (WHERE " + y + " IS NOT NULL)", "SUM(CASE WHEN " + y + " > 1 THEN " + x + " ELSE 0 END)",
	}
	keys := append(slices.Clone(s.keys), "CASE WHEN "+x+" > 0 THEN 'more' ELSE 'less' END", "floor("+x+" / 2)", "coalesce("+s.keys[0]+", "+s.keys[0]+")")
	var items, grouped []string
	for range r.IntN(3) {
		k := keys[r.IntN(len(keys))]
		grouped = append(grouped, k)
		items = append(items, k)
	}
	for range 1 + r.IntN(3) {
		items = append(items, pick(aggregates...))
	}
	text := s.with + " SELECT " + strings.Join(items, ", ") + " FROM " + s.from
	if f := pick("", "", x+" >= 0", y+" IS NULL", s.keys[0]+" IS NOT NULL"); f != "" {
		text += map[bool]string{true: " AND ", false: " WHERE "}[strings.Contains(s.from, " WHERE ") && !strings.Contains(s.from, "(SELECT")] + f
	}
	if len(grouped) > 0 {
		text += " GROUP BY " + strings.Join(grouped, ", ")
	}
	return text
}

func (m *market) plan(t *testing.T, p *replayer, text string, r *rand.Rand) (*pricing.Priced, error) {
	t.Helper()
	sel, err := p.parser.Parse(t.Context(), text)
	if err == nil {
		sel, err = reduce.Reduce(sel, planner.Columns(m.parsed))
	}
	if err != nil {
		return nil, err
	}
	req := planner.Request{Loss: privacy.Loss{Epsilon: math.Exp(r.Float64()*5 - 3), Delta: 1e-6}}
	if r.IntN(3) == 0 {
		req.MaxRowsPerPartition = ptr(1 + r.Int64N(m.parsed.Limits.MaxRowsPerPartition))
	}
	priced, err := planner.Plan(sel, planner.Dataset{Contract: m.parsed, Members: m.tenants}, req)
	if err == nil { // these segments have no ranks
		priced.Plan = planner.Streamed(priced.Plan)
	}
	return priced, err
}

// TestAuditReplayPeriods holds budgets by period to the rows: of a unit whose rows
// lie in other periods than those that a query is charged to, the query draws
// nothing, and of any other no more than what each of its periods pays.
func TestAuditReplayPeriods(t *testing.T) {
	p := newReplayer(t)
	triples, tightest, charged := 0, 0.0, map[int]bool{}
	for i := range times(60, 1500) {
		r := rand.New(rand.NewPCG(3, uint64(i)))
		h := newHistory(r)
		h.ranked = false // which rows loads store within max_rows is up to the rows of all periods
		h.contract += fmt.Sprintf("budget_per: {column: d, every: %s, from: 2024-01-01, to: %s}\n", []string{"month", "week"}[r.IntN(2)], []string{"2024-06-30", "2024-02-29"}[r.IntN(2)])
		var err error
		h.parsed, err = contractparse.Parse([]byte(h.contract))
		check(t, err)
		unit := h.unit(r)
		d, other := p.write(t, h, fmt.Sprint("p", i), -1), p.write(t, h, fmt.Sprint("q", i), unit)
		for k := range 8 {
			text := h.question(r)
			if f := dateFilters[r.IntN(len(dateFilters))]; strings.Contains(text, " WHERE ") {
				text = strings.Replace(text, " WHERE ", " WHERE "+f+" AND ", 1)
			} else {
				text = strings.Replace(text, " FROM d", " FROM d WHERE "+f, 1)
			}
			priced, err := p.plan(t, h, text, r)
			if err != nil {
				continue
			}
			charged[len(priced.Periods)] = true
			rest := *h
			rest.rows = slices.DeleteFunc(slices.Clone(h.rows), func(e entry) bool {
				return e.unit == unit && !slices.Contains(priced.Periods, periodOf(t, h.parsed.BudgetPer, e))
			})
			used, err := p.compare(t, priced, d, p.write(t, &rest, fmt.Sprint("r", i, "_", k), -1))
			if err != nil || used != 0 {
				t.Fatalf("history %d, %s\n%s charges %v and uses %g of rows in other periods: %v", i, h.contract, text, priced.Periods, used, err)
			}
			if used, err = p.compare(t, priced, d, other); err != nil {
				t.Fatalf("history %d, %s\n%s\n%v", i, h.contract, text, err)
			}
			triples, tightest = triples+1, max(tightest, used)
		}
	}
	if triples < 100 || tightest < 0.9 || len(charged) < 4 {
		t.Errorf("%d triples, of which the tightest used %.2f, charged %d numbers of periods: the test sees too little", triples, tightest, len(charged))
	}
	verdict(t, "replay-periods", triples, 1.0, tightest)
}

var dateFilters = []string{
	"d >= DATE '2024-02-01'", "d < DATE '2024-02-01'", "d BETWEEN DATE '2024-01-01' AND DATE '2024-01-31'", "d IS NULL", "d IS NOT NULL", "year(d) = 2024",
	"date_trunc('month', d) = DATE '2024-02-01'", "date_trunc('week', d) > DATE '2024-02-10'", "NOT (d < DATE '2024-02-01' OR d > DATE '2024-03-01')",
	"d IN (DATE '2024-01-31', DATE '2024-06-30')", "d <> DATE '2024-01-31'", "(d > DATE '9000-01-01' OR x > 0)", "CAST(d AS TIMESTAMP) >= TIMESTAMP '2024-01-31 12:00:00'",
	"d > DATE '2024-01-01' AND d < DATE '2024-01-02'", "month(d) = 2",
}

// periodOf returns the period of a row by its date, which stands last in it.
func periodOf(t *testing.T, per *contract.BudgetPer, e entry) string {
	t.Helper()
	_, text, dated := strings.Cut(e.values[strings.LastIndex(e.values, ", ")+2:], "DATE '")
	if !dated {
		return contract.PeriodOther
	}
	day, err := time.Parse(time.DateOnly, strings.TrimSuffix(text, "'"))
	check(t, err)
	at := day.Unix() / 86400
	for _, p := range per.Periods() {
		if p.From <= at && at < p.To {
			return p.Name
		}
	}
	return contract.PeriodOther
}
