package planner

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/binding"
	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/pricing"
	"github.com/noised/noised/privacy"
)

// question is a query in a form that can be spelled in many ways.
type question struct {
	aggregates []string
	filters    [][]string // per condition, its spellings
	keys       [][]string // per key, its spellings
}

func drawQuestion(t *rapid.T) question {
	q := question{
		aggregates: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{
			"COUNT(*)", "COUNT(DISTINCT customer)", "SUM(price)", "AVG(price)", "AVG(weight)", "SUM(price * (1 - discount))", "COUNT(items)", "SUM(items) FILTER (WHERE paid)",
			"VAR_POP(price)", "STDDEV(weight)", "MEDIAN(price)", "QUANTILE_CONT(items, 0.9)", "MIN(weight)", "MAX(weight)", "COUNT(DISTINCT city)",
		}), 1, 5, rapid.ID[string]).Draw(t, "aggregates"),
	}
	for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(0, len(groupings)-1), 0, 3, rapid.ID[int]).Draw(t, "keys") {
		q.keys = append(q.keys, groupings[i])
	}
	for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(0, len(conditions)-1), 0, 4, rapid.ID[int]).Draw(t, "conditions") {
		q.filters = append(q.filters, conditions[i])
	}
	return q
}

// groupings lists, for each key, ways to write it.
var groupings = [][]string{
	{"city"},
	{"region", "coalesce(region)"},
	{"paid"},
	{"tenant"},
	{"date_trunc('quarter', ordered)", "datetrunc('QUARTER', ordered)", "date_trunc('quarter' , \"ordered\")"},
	{"floor(price / 250)", "FLOOR(price/250.0)", "floor( price / 2.5e2 )"},
	{"CASE WHEN paid AND grade > 3 THEN 'a' ELSE 'b' END", "CASE WHEN 3 < grade AND paid THEN 'a' ELSE 'b' END"},
	{"lower(city)", "lcase(CITY)"},
	{"width_bucket(weight, 0, 10, 2)", "width_bucket(weight, 0.0, 1e1, 2)"},
	{"items // 20", "divide(items, 20)"},
	{"month(shipped)", "extract(month FROM shipped)"},
}

// conditions lists, for each condition, ways to write it.
var conditions = [][]string{
	{"grade > 3", "3 < grade", "grade > 3.0", "NOT grade <= 3", "NOT (3 >= grade)"},
	{"region IN ('north', 'south')", "region IN ('south', 'north', 'south')", "NOT region NOT IN ('north', 'south')"},
	{"items BETWEEN 2 AND 9", "items >= 2 AND items <= 9", "9 >= items AND 2 <= items"},
	{"price <> 1.5", "price != 1.50", "1.5 <> price", "NOT price = 1.5"},
	{"ordered >= DATE '2024-03-01'", "ordered >= '2024-03-01'", "CAST('2024-03-01' AS DATE) <= ordered"},
	{"tenant <> 'core'", "tenant IN ('acme', 'bolt')", "tenant = 'acme' OR tenant = 'bolt'"},
	{"price + weight > items", "weight + price > items", "items < price + weight"},
	{"(paid OR city = 'x')", "('x' = city OR paid)", "(paid OR city IN ('x'))"},
	{"substring(city, 1, 2) = 'ab'", "substr(city, 1, 2) = 'ab'", "'ab' = substring(city FROM 1 FOR 2)"},
	{"city IS NOT NULL", "NOT (city IS NULL)"},
	{"year(shipped) = 2024", "extract(year FROM shipped) = 2024", "date_part('YEAR', shipped) = 2024"},
}

// spell writes the question in one of its many ways.
func (q question) spell(t *rapid.T) string {
	yes := func(what string) bool { return rapid.Bool().Draw(t, what) }
	alias := ""
	if yes("alias") {
		alias = "s"
	}
	var items, keys []string
	for _, ways := range q.keys {
		keys = append(keys, rapid.SampledFrom(ways).Draw(t, "key"))
	}
	for i, k := range rapid.Permutation(keys).Draw(t, "key order") {
		if !strings.Contains(k, "(") && !strings.Contains(k, " ") && yes("qualified") {
			k = map[bool]string{true: "s", false: "shop"}[alias != ""] + "." + k
		}
		if yes("named") {
			k += fmt.Sprintf(" AS k%d", i)
		}
		items = append(items, k)
	}
	for i, a := range rapid.Permutation(q.aggregates).Draw(t, "aggregate order") {
		items = append(items, fmt.Sprintf("%s AS a%d", a, i))
	}
	where := []string{}
	for _, ways := range q.filters {
		where = append(where, "("+rapid.SampledFrom(ways).Draw(t, "way")+")")
	}
	where = rapid.Permutation(where).Draw(t, "condition order")
	where = append(where, rapid.SampledFrom([][]string{nil, {"1 = 1"}, {"TRUE"}, {"'a' < 'b'", "NOT FALSE"}}).Draw(t, "true")...)
	sql := "SELECT " + strings.Join(items, ", ") + " FROM shop " + alias
	if len(where) > 0 {
		sql += " WHERE " + strings.Join(where, " AND ")
	}
	if len(keys) > 0 {
		sql += " GROUP BY " + rapid.SampledFrom([]string{"ALL", strings.Join(rapid.Permutation(keys).Draw(t, "group order"), ", ")}).Draw(t, "group by")
	}
	sql += rapid.SampledFrom([]string{"", " HAVING a0 > 10", " ORDER BY a0 DESC", " ORDER BY 1 LIMIT 5"}).Draw(t, "post-processing")
	if yes("comment") {
		sql = strings.Replace(sql, " FROM ", " /* every\nrow */ FROM\t\n", 1)
	}
	return sql
}

func TestSpellingVariantsShareOneCore(t *testing.T) {
	f := newFixture(t)
	rapid.Check(t, func(t *rapid.T) {
		q := drawQuestion(t)
		req := Request{Loss: privacy.Loss{Epsilon: 1, Delta: 1e-9}}
		one, other := q.spell(t), q.spell(t)
		a, err := f.plan(one, req)
		if err != nil {
			t.Fatal(one, err)
		}
		b, err := f.plan(other, req)
		if err != nil {
			t.Fatal(other, err)
		}
		if a.Plan.CoreKey() != b.Plan.CoreKey() || a.Cost != b.Cost {
			t.Fatalf("%s\n%s\nhave different cores:\n%s\n%s", one, other, a.Plan.CoreKey(), b.Plan.CoreKey())
		}
	})
}

func TestDifferentQuestionsHaveDifferentCores(t *testing.T) {
	f := newFixture(t)
	seen := map[string]string{}
	for _, sql := range []string{
		"SELECT COUNT(*) FROM shop",
		"SELECT COUNT(items) FROM shop",
		"SELECT COUNT(*) FROM shop WHERE paid",
		"SELECT COUNT(*) FROM shop WHERE NOT paid",
		"SELECT COUNT(*) FROM shop WHERE city = '1' OR region = '2'",
		"SELECT COUNT(*) FROM shop WHERE city = '1' AND region = '2'",
		"SELECT COUNT(*) FROM shop WHERE city = '1, 2'",
		"SELECT COUNT(*) FROM shop WHERE city IN ('1', '2')",
		"SELECT COUNT(*) FROM shop WHERE city IN ('1 2')",
		"SELECT COUNT(*) FROM shop WHERE city IN ('1\" \"2')",
		"SELECT COUNT(*) FROM shop WHERE grade = 1",
		"SELECT COUNT(*) FROM shop WHERE items = 1",
		"SELECT COUNT(*) FROM shop WHERE grade > items",
		"SELECT COUNT(*) FROM shop WHERE grade < items",
		"SELECT COUNT(*) FROM shop WHERE grade IS NULL",
		"SELECT COUNT(*) FROM shop WHERE price - weight > 1",
		"SELECT COUNT(*) FROM shop WHERE weight - price > 1",
		"SELECT COUNT(*) FROM shop WHERE tenant = 'acme'",
		"SELECT COUNT(*) FROM shop GROUP BY paid",
		"SELECT COUNT(*) FROM shop GROUP BY region",
		"SELECT COUNT(*) FILTER (WHERE paid) FROM shop",
		"SELECT COUNT(DISTINCT customer) FROM shop",
		"SELECT SUM(items) FROM shop",
		"SELECT AVG(items) FROM shop",
		"SELECT SUM(items) FROM shop WHERE paid",
		"SELECT SUM(items) FILTER (WHERE paid) FROM shop",
	} {
		p, err := f.plan(sql, Request{})
		if err != nil {
			t.Fatal(sql, err)
		}
		if was, twice := seen[p.Plan.CoreKey()]; twice {
			t.Errorf("%s\n%s\nshare a core", was, sql)
		}
		seen[p.Plan.CoreKey()] = sql
	}
}

// TestTheCostStaysWithinWhatWasAsked: for any query and loss, as checkPrice says.
func TestTheCostStaysWithinWhatWasAsked(t *testing.T) {
	f := newFixture(t)
	rapid.Check(t, func(t *rapid.T) {
		loss := privacy.Loss{
			Epsilon: math.Pow(10, rapid.Float64Range(-3, 1.99).Draw(t, "log epsilon")),
			Delta:   math.Pow(10, rapid.Float64Range(-9, -1.01).Draw(t, "log delta")),
		}
		l0, c := rapid.Int64Range(1, 5).Draw(t, "L0"), rapid.Int64Range(1, 20).Draw(t, "c")
		sql := drawQuestion(t).spell(t)
		p, err := f.plan(sql, Request{Loss: loss, MaxPartitions: &l0, MaxRowsPerPartition: &c})
		if err != nil {
			t.Fatal(sql, loss, err)
		}
		checkPrice(t, p)
		if len(p.Noise) != len(p.Plan.Draws) {
			t.Errorf("%d draws, %d mechanisms", len(p.Plan.Draws), len(p.Noise))
		}
	})
}

// drawExpr draws any tree, well-formed or not.
func drawExpr(t *rapid.T, depth int) plan.Expr {
	kind := rapid.IntRange(0, 9).Draw(t, "kind")
	if depth == 0 {
		kind %= 3
	}
	sub := func() plan.Expr { return drawExpr(t, depth-1) }
	subs := func(lo, hi int) (es []plan.Expr) {
		for range rapid.IntRange(lo, hi).Draw(t, "operands") {
			es = append(es, sub())
		}
		return es
	}
	switch kind {
	case 0, 1:
		return &plan.Column{Name: rapid.SampledFrom([]string{"customer", "city", "grade", "paid", "ordered", "shipped", "price", "weight", "items", "tenant", "nothing"}).Draw(t, "column"), Pos: 7}
	case 2:
		return &plan.Literal{Value: rapid.SampledFrom([]plan.Value{
			plan.IntValue(plan.Of(plan.KindInteger), 3), plan.IntValue(plan.Of(plan.KindBigint), math.MinInt64), plan.StringValue("2024-01-01"),
			plan.StringValue("%"), plan.FloatValue(-1e300), plan.FloatValue(0), plan.BoolValue(true), plan.Null(plan.Type{}),
			plan.IntValue(plan.Type{Kind: plan.KindDecimal, Precision: 3, Scale: 2}, 125),
		}).Draw(t, "literal"), Pos: 9}
	case 3:
		return &plan.In{Arg: sub(), List: subs(1, 3), Not: rapid.Bool().Draw(t, "not")}
	case 4:
		c := &plan.Case{Whens: []plan.When{{If: sub(), Then: sub()}}}
		if rapid.Bool().Draw(t, "else") {
			c.Else = sub()
		}
		return c
	case 5:
		to := plan.Of(plan.Kind(rapid.IntRange(int(plan.KindBoolean), int(plan.KindTimestamp)).Draw(t, "type")))
		if to.Kind == plan.KindDecimal {
			to.Precision, to.Scale = 5, 2
		}
		return &plan.Cast{Arg: sub(), To: to}
	case 6:
		a := &plan.Aggregate{Func: rapid.SampledFrom([]string{"count", "sum", "avg", "min"}).Draw(t, "aggregate"), Args: subs(0, 2)}
		if rapid.Bool().Draw(t, "filtered") {
			a.Filter = sub()
		}
		return a
	default:
		fn := rapid.SampledFrom(plan.RowFunctions).Draw(t, "function")
		return &plan.Call{Func: fn.Name, Args: subs(0, 3), Pos: 5}
	}
}

// TestPlanIsTotal: whatever tree arrives, Plan answers, and what it permits is
// complete: typed, printable and noised.
func TestPlanIsTotal(t *testing.T) {
	f := newFixture(t)
	ds := Dataset{Contract: f.contracts["shop"], Members: members}
	rapid.Check(t, func(t *rapid.T) {
		sel := &plan.Select{From: &plan.Table{Dataset: "shop"}}
		for range rapid.IntRange(1, 3).Draw(t, "items") {
			sel.Items = append(sel.Items, plan.Item{Expr: drawExpr(t, 3)})
		}
		if rapid.Bool().Draw(t, "where") {
			sel.Where = drawExpr(t, 3)
		}
		if rapid.Bool().Draw(t, "having") {
			sel.Having = drawExpr(t, 3)
		}
		if rapid.Bool().Draw(t, "group by") {
			sel.GroupBy = []plan.Expr{drawExpr(t, 1)}
			sel.OrderBy = []plan.Order{{Expr: drawExpr(t, 2)}}
		}
		p, err := Plan(sel, ds, Request{})
		checkAnswer(t, p, err)
	})
}

// checkAnswer is what holds for any answer of Plan.
func checkAnswer(t interface{ Fatalf(string, ...any) }, p *pricing.Priced, err error) {
	if err != nil {
		if !slices.Contains([]privacy.Code{
			privacy.CodeQueryNotPermitted, privacy.CodeUnknownColumn, privacy.CodePrivacyParameters, privacy.CodeSQLSyntax, privacy.CodeUnknownDataset,
		}, privacy.CodeOf(err)) {
			t.Fatalf("%v", err)
		}
		return
	}
	b := p.Plan
	if len(b.Draws) == 0 || len(b.Draws) != len(p.Noise) || len(b.Outputs) == 0 || p.Cost.Mu2 < privacy.MinRunMu2 {
		t.Fatalf("incomplete: %s", show(p))
	}
	if b.Secret() != (p.Selection != nil) {
		t.Fatalf("secret keys without selection: %s", show(p))
	}
	for _, way := range []*plan.Bound{b, Streamed(b)} {
		if err := (engine.Input{Plan: way}).Check(); err != nil {
			t.Fatalf("engines refuse to bound by %s: %v\n%s", way.Strategy, err, show(p))
		}
	}
	exprs := []plan.Expr{b.Filter}
	for _, d := range b.Draws {
		exprs = append(exprs, d.Mask, d.Value)
	}
	for _, k := range b.Keys {
		exprs = append(exprs, k.Expr)
		if k.Type.Kind == plan.KindUnknown || k.Type.Kind == plan.KindDouble || k.Type.Kind == plan.KindDecimal || k.Domain != nil && len(k.Domain) == 0 {
			t.Fatalf("key %+v", k)
		}
		for _, v := range k.Domain {
			if v.Type != k.Type {
				t.Fatalf("key %s of type %s has the value %+v", k.Column, k.Type, v)
			}
		}
	}
	for _, e := range exprs {
		plan.Walk(e, func(e plan.Expr) bool { return checkRowNode(t, b, e) })
	}
}

// checkRowNode is what an engine relies on in expressions over rows.
func checkRowNode(t interface{ Fatalf(string, ...any) }, b *plan.Bound, e plan.Expr) bool {
	switch e := e.(type) {
	case *plan.Column:
		known := e.Qualifier == "" && (b.Sources == nil || isTenant(e)) ||
			slices.ContainsFunc(b.Sources, func(s plan.Source) bool { return s.Alias == e.Qualifier })
		if e.Type.Kind == plan.KindUnknown || !known || e.Name == "customer" || e.Name == "person" || e.Name == "student" {
			t.Fatalf("column %+v", e)
		}
	case *plan.Literal:
		if e.Value.Type.Kind == plan.KindUnknown {
			t.Fatalf("literal %+v without a type", e)
		}
	case *plan.In:
		for _, item := range e.List {
			if lit, ok := item.(*plan.Literal); !ok || lit.Value.Null {
				t.Fatalf("IN list with %s", plan.Print(item))
			}
		}
	case *plan.Call:
		f, ok := binding.Function(plan.RowFunctions, e.Func)
		if !ok || len(e.Args) < len(f.Args)-f.Optional || (len(e.Args) > len(f.Args) && !f.Variadic) {
			t.Fatalf("call %s", plan.Print(e))
		}
		for i, a := range e.Args {
			if f.Args[min(i, len(f.Args)-1)] == plan.ClassSame && typeOf(a) != typeOf(e.Args[0]) {
				t.Fatalf("operands of %s are %s and %s", plan.Print(e), typeOf(e.Args[0]), typeOf(a))
			}
			if f.Args[min(i, len(f.Args)-1)] == plan.ClassDouble && typeOf(a) != plan.Of(plan.KindDouble) {
				t.Fatalf("operand of %s is %s", plan.Print(e), typeOf(a))
			}
		}
	case *plan.Case, *plan.Cast:
	default:
		t.Fatalf("%T over rows", e)
	}
	return true
}

func typeOf(e plan.Expr) plan.Type { return binding.RowType(e) }
