package planner

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/contractparse"
	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/pricing"
	"github.com/noised/noised/privacy"
)

// ranked is a row of one unit with the ranks that a load could have given it.
// A value of "" is NULL; "?" is declared nowhere.
type ranked struct {
	tenant, a, b, d string
	v               int

	unit   int               // rank within the unit
	by     map[string][2]int // of its key, and within it, by the columns of a grouping
	values map[string]string // by expression of GROUP BY
}

// part is a piece of a query with its meaning.
type part struct {
	sql string
	of  func(ranked) string
}

var partKeys = []part{
	{"a", func(r ranked) string { return r.a }},
	{"b", func(r ranked) string { return r.b }},
	{"d", func(r ranked) string { return r.d }},
	{"tenant", func(r ranked) string { return r.tenant }},
	{"CASE WHEN a = 'x' THEN b ELSE 'q' END", func(r ranked) string {
		if r.a == "x" {
			return r.b
		}
		return "q"
	}},
	{"coalesce(a)", func(r ranked) string { return r.a }}, // which is a itself
	{"lower(b)", func(r ranked) string { return r.b }},
}

var partFilters = []part{
	{"v > 3", func(r ranked) string { return fmt.Sprint(r.v > 3) }},
	{"a IS NULL", func(r ranked) string { return fmt.Sprint(r.a == "") }},
	{"tenant IN ('north', 'south')", func(r ranked) string { return fmt.Sprint(r.tenant != "west") }},
	{"tenant = 'north'", func(r ranked) string { return fmt.Sprint(r.tenant == "north") }},
	{"length(tenant) = 5", func(r ranked) string { return fmt.Sprint(len(r.tenant) == 5) }},
	{"(tenant = 'north' OR v = 1)", func(r ranked) string { return fmt.Sprint(r.tenant == "north" || r.v == 1) }},
	{"1 = 1", func(ranked) string { return "true" }},
}

var tenantsOfParts = []string{"north", "south", "west"}

func drawContract(t *rapid.T) *contract.Contract {
	pick := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
	const wide = "{max_partitions: 3, max_rows_per_partition: 4}"
	text := "dataset: parts\nversion: 1\ntenant_dimension: public\nprivacy_unit: {column: u, scope: " + pick("scope", "person", "tenant") + "}\n" +
		"contribution: " + pick("bounds", wide, wide, wide, "{max_partitions: 1, max_rows_per_partition: 1}", "{max_rows: 1}", "{max_rows: 4}", "{max_partitions: 3, max_rows_per_partition: 4, max_l2: 5}") + "\n" +
		pick("index", "", "bounding_index: [[b, a]]\n", "bounding_index: [[b, a]]\n", "bounding_index: [[a], [a, b]]\n", "bounding_index: [[d], [a, d]]\n", "bounding_index: []\n") +
		pick("budgets", "", "", "budget_per: {column: day, every: day}\n") + `columns:
  u: {type: bigint, role: unit}
  a: {type: varchar, role: dimension, domain: {values: [x, y, z]}}
  b: {type: varchar, role: dimension, domain: {values: [p, q]}}
  d: {type: varchar, role: dimension, domain: private}
  v: {type: tinyint, role: measure, bounds: [0, 5]}
  day: {type: date, role: dimension, domain: {from: 2024-01-01, to: 2024-01-03, every: day}}`
	c, err := contractparse.Parse([]byte(text))
	if err != nil {
		t.Fatal(text, err, privacy.AsError(err).Problems)
	}
	return c
}

// drawUnitRows draws the rows of one unit, with ranks as a load gives them.
func drawUnitRows(t *rapid.T, c *contract.Contract, keys []part) []ranked {
	tenants := tenantsOfParts
	if c.Unit.Scope == plan.ScopeTenant {
		tenants = []string{rapid.SampledFrom(tenants).Draw(t, "whose")}
	}
	var rows []ranked
	for _, tenant := range tenants {
		most := 14
		if c.MaxRowsOnly { // loads see to it
			most = int(c.Limits.MaxRows)
		}
		n := rapid.IntRange(0, most).Draw(t, "rows")
		own := make([]ranked, n)
		for i, rank := range rapid.Permutation(series(n)).Draw(t, "ranks") {
			own[i] = ranked{
				tenant: tenant, unit: rank, v: rapid.IntRange(0, 5).Draw(t, "v"),
				a: rapid.SampledFrom([]string{"x", "x", "y", "z", "", "?"}).Draw(t, "a"), b: rapid.SampledFrom([]string{"p", "q", "q", ""}).Draw(t, "b"),
				d: rapid.SampledFrom([]string{"1", "2", "3", "4", "5"}).Draw(t, "d"),
			}
		}
		for _, g := range c.Ranks("") {
			rankBy(t, own, g)
		}
		rows = append(rows, own...)
	}
	for i := range rows {
		rows[i].values = map[string]string{}
		for _, k := range keys {
			rows[i].values[k.sql] = k.of(rows[i])
		}
	}
	return rows
}

// rankBy gives rows, which are all of a unit in one tenant, their ranks for a
// grouping: in any order.
func rankBy(t *rapid.T, rows []ranked, grouping []string) {
	value := func(r ranked) string {
		return strings.NewReplacer("a", "a="+r.a, "b", "b="+r.b, "d", "d="+r.d).Replace(strings.Join(grouping, ","))
	}
	ranks, within := map[string]int{}, map[string]int{}
	for _, i := range rapid.Permutation(series(len(rows))).Draw(t, "order") {
		r := &rows[i]
		k := value(*r)
		if _, known := ranks[k]; !known {
			ranks[k] = len(ranks)
		}
		if r.by == nil {
			r.by = map[string][2]int{}
		}
		r.by[plan.KeyRank(grouping)] = [2]int{ranks[k], within[k]}
		within[k]++
	}
}

func series(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i
	}
	return s
}

// kept returns the rows that a plan's ranks keep, of the plan's tenants.
func kept(b *plan.Bound, rows []ranked) (of, all []ranked) {
	for _, r := range rows {
		if !slices.Contains(b.Tenants, r.tenant) {
			continue
		}
		all = append(all, r)
		switch ranks := r.by[plan.KeyRank(b.Strategy.Grouping)]; {
		case b.Strategy.Bounding == plan.BoundIndex && (int64(ranks[0]) >= b.Limits.MaxPartitions || int64(ranks[1]) >= b.Limits.MaxRowsPerPartition):
		case b.Strategy.Bounding == plan.BoundRows && int64(r.unit) >= b.Limits.MaxRows:
		default:
			of = append(of, r)
		}
	}
	return of, all
}

// TestRanksKeepWhatTheLimitsPromise: whatever the rows of a unit are, those that
// the ranks keep are within the limits by which the plan is priced; they are
// counted as the unit that they are; and where there is a filter, ranks drop
// nothing that the filter would have kept.
func TestRanksKeepWhatTheLimitsPromise(t *testing.T) {
	f := newFixture(t)
	met := map[plan.Bounding]int{}
	rapid.Check(t, func(t *rapid.T) {
		for range 3 {
			met[checkRanks(t, f)]++
		}
	})
	if min(met[plan.BoundStream], met[plan.BoundIndex], met[plan.BoundRows]) == 0 { // each has more than an eighth of 300: below 1e-16 by chance
		t.Errorf("strategies: %v", met)
	}
}

// checkRanks draws a contract, a question and a unit, and returns how the
// question is bounded.
func checkRanks(t *rapid.T, f *fixture) plan.Bounding {
	c := drawContract(t)
	keys, filters := distinctParts(t, partKeys, 2, "keys"), distinctParts(t, partFilters, 1, "filters")
	sums := []string{"COUNT(*)", "AVG(v)", "SUM(v)", "VAR_POP(v)", "COUNT(DISTINCT u)"}
	if rapid.Bool().Draw(t, "like an index") {
		keys, filters = likeAnIndex(t, c), nil
	} else {
		sums = append(sums, "COUNT(*) FILTER (WHERE v > 2)", "COUNT(DISTINCT d)", "MEDIAN(v)", "COUNT(DISTINCT u) FILTER (WHERE v > 2)")
	}
	aggregates := rapid.SliceOfNDistinct(rapid.SampledFrom(sums), 1, 2, rapid.ID[string]).Draw(t, "aggregates")
	p := planParts(t, f, c, drawLimits(t, c), append(aggregates, sqlOf(keys)...), sqlOf(filters), sqlOf(keys))
	b := p.Plan
	if b.Strategy.Bounding != plan.BoundStream {
		of, all := kept(b, drawUnitRows(t, c, keys))
		if picky := b.Filter != nil || strings.Contains(strings.Join(aggregates, ""), "WHERE"); picky && len(of) != len(all) {
			t.Fatalf("%d of %d rows are kept before a filter: %s", len(of), len(all), show(p))
		}
		checkKept(t, p, of, keys, filters)
	}
	if err := (engine.Input{Plan: b}).Check(); err != nil {
		t.Fatalf("engines refuse %s: %v", show(p), err)
	}
	return b.Strategy.Bounding
}

// drawLimits draws a request for no more than the contract allows.
func drawLimits(t *rapid.T, c *contract.Contract) Request {
	req := Request{Loss: privacy.Loss{Epsilon: 1, Delta: 1e-6}}
	narrower := func(most int64) *int64 {
		if !rapid.Bool().Draw(t, "narrower") {
			return nil
		}
		n := rapid.Int64Range(1, most).Draw(t, "limit")
		return &n
	}
	req.MaxPartitions, req.MaxRowsPerPartition = narrower(c.Limits.MaxPartitions), narrower(c.Limits.MaxRowsPerPartition)
	if rapid.Bool().Draw(t, "one tenant") {
		req.Tenants = []string{"north"}
	}
	return req
}

// likeAnIndex draws keys that have an index, or lack one column of it.
func likeAnIndex(t *rapid.T, c *contract.Contract) (keys []part) {
	g := rapid.SampledFrom(append(c.Ranks(""), []string{"a", "b"})).Draw(t, "grouping")
	without := rapid.SampledFrom([]string{"", "", "a", "b"}).Draw(t, "without")
	for _, k := range partKeys {
		if k.sql != without && slices.Contains(g, k.sql) || k.sql == "tenant" && rapid.Bool().Draw(t, "tenant") {
			keys = append(keys, k)
		}
	}
	return keys
}

func distinctParts(t *rapid.T, from []part, most int, label string) (out []part) {
	for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(0, len(from)-1), 0, most, rapid.ID[int]).Draw(t, label) {
		out = append(out, from[i])
	}
	return out
}

func sqlOf(parts []part) (out []string) {
	for _, p := range parts {
		out = append(out, p.sql)
	}
	return out
}

func planParts(t *rapid.T, f *fixture, c *contract.Contract, req Request, items, filters, keys []string) *pricing.Priced {
	sql := "SELECT " + strings.Join(items, ", ") + " FROM parts"
	if len(filters) > 0 {
		sql += " WHERE " + strings.Join(filters, " AND ")
	}
	if len(keys) > 0 {
		sql += " GROUP BY " + strings.Join(keys, ", ")
	}
	sel, err := f.parser.Parse(context.Background(), sql)
	if err != nil {
		t.Fatal(sql, err)
	}
	p, err := Plan(sel, Dataset{Contract: c, Members: tenantsOfParts}, req)
	if err != nil {
		t.Fatal(sql, err)
	}
	return p
}

// checkKept compares the rows that a unit keeps with the plan's limits.
func checkKept(t *rapid.T, p *pricing.Priced, rows []ranked, keys, filters []part) {
	b := p.Plan
	counts, firsts := map[string]int64{}, map[string]int{}
	for _, r := range rows {
		if slices.ContainsFunc(filters, func(f part) bool { return f.of(r) != "true" }) || !inDomain(b, r) {
			continue
		}
		var values []string
		for _, k := range keys {
			values = append(values, r.values[k.sql])
		}
		g := strings.Join(values, "|")
		counts[g]++
		first := r.unit
		if b.Strategy.Bounding == plan.BoundIndex {
			first = r.by[plan.KeyRank(b.Strategy.Grouping)][1]
		}
		if first == 0 {
			firsts[g]++
		}
	}
	var l1, most int64
	var l2 float64
	for g, n := range counts {
		l1, l2, most = l1+n, l2+float64(n)*float64(n), max(most, n)
		units := slices.ContainsFunc(b.Draws, func(d plan.Draw) bool { return d.Kind == plan.DrawUnits })
		if units && firsts[g] != 1 {
			t.Fatalf("the group %q counts the unit %d times: %s", g, firsts[g], show(p))
		}
	}
	limits := b.Limits
	if int64(len(counts)) > limits.MaxPartitions || most > limits.MaxRowsPerPartition ||
		float64(l1) > limits.L1Rows()*(1+1e-12) || math.Sqrt(l2) > limits.L2Rows()*(1+1e-12) {
		t.Fatalf("a unit has the groups %v: %s", counts, show(p))
	}
}

// inDomain reports whether a row's values of declared bare keys are declared.
func inDomain(b *plan.Bound, r ranked) bool {
	for _, k := range b.Keys {
		if v := map[string]string{"a": r.a, "b": r.b}[k.Column]; (k.Column == "a" || k.Column == "b") && (v == "" || v == "?") {
			return false
		}
	}
	return true
}

// TestTheStrategyCostsNothing: the same question has the same noise and price
// however it is bounded.
func TestTheStrategyCostsNothing(t *testing.T) {
	f := newFixture(t)
	rapid.Check(t, func(t *rapid.T) {
		c := drawContract(t)
		keys := sqlOf(distinctParts(t, partKeys, 2, "keys"))
		aggregate := rapid.SampledFrom([]string{"COUNT(*)", "AVG(v)", "VAR_POP(v)", "COUNT(DISTINCT u)"}).Draw(t, "aggregate")
		p := planParts(t, f, c, Request{Tenants: []string{"north"}}, append([]string{aggregate}, keys...), nil, keys)
		streamed := *p
		streamed.Plan = Streamed(p.Plan)
		if streamed.Plan.Strategy.Bounding != plan.BoundStream || streamed.Plan.Strategy.Grouping != nil {
			t.Fatalf("%+v is not streamed", streamed.Plan.Strategy)
		}
		again, err := streamed.At(p.Loss)
		if err != nil || again.Cost != p.Cost || !reflect.DeepEqual(again.Noise, p.Noise) || !reflect.DeepEqual(again.Selection, p.Selection) {
			t.Fatalf("streamed for %+v, %v: %s", again, err, show(p))
		}
	})
}
