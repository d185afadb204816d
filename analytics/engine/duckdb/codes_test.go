package duckdb

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// codeColumn renders the column of the codes of a text as loads store it.
func codeColumn(column string, values []plan.Value) string {
	sql := ", (CASE " + column
	for i, v := range values {
		sql += fmt.Sprintf(" WHEN '%s' THEN %d", v.Str, i)
	}
	return fmt.Sprintf(`%s ELSE %d END)::USMALLINT AS "%s"`, sql, len(values), plan.CodeColumn(column))
}

// coded returns the plan as a query runs it on segments.
func coded(p *plan.Bound, segments []engine.Segment) *plan.Bound {
	out := *p
	out.Keys = slices.Clone(p.Keys)
	for i, k := range out.Keys {
		out.Keys[i].Coded = engine.Coded(p, k, segments)
	}
	return &out
}

// randomCodes returns the columns of codes that a segment of a random table
// stores, and what is recorded of them: of s all segments of most tables store
// those of the values that keys declare; of t each has some, of another list, or none.
func randomCodes(seed uint64) func(tenant string, number int) (string, map[string]string) {
	declared := make(map[string][]plan.Value)
	for _, k := range keyPool() {
		if plan.Codable(k.key.Type, k.key.Domain) && k.key.Expr == nil {
			declared[k.key.Column] = k.key.Domain
		}
	}
	return func(tenant string, number int) (string, map[string]string) {
		r := rand.New(rand.NewPCG(seed, uint64(len(tenant)*7+number)))
		columns, of := "", make(map[string]string)
		put := func(column string, values []plan.Value) {
			columns += codeColumn(column, values)
			of[column] = plan.CodesOf(values)
		}
		if seed%4 > 0 {
			put("s", declared["s"])
		}
		switch other := slices.Clone(declared["t"]); {
		case seed%2 == 0 || r.IntN(3) == 0:
			put("t", other)
		case r.IntN(2) == 0:
			slices.Reverse(other)
			put("t", other)
		}
		return columns, of
	}
}

// codesOf renders the columns of codes of a segment of trade, and records them.
func codesOf(s *engine.Segment) string {
	sql := ""
	s.Codes = make(map[string]string)
	for column, of := range map[string]string{"name": "city", "title": "land", "home": "person", "shop": "buy"} {
		if values := texts("a", "b", "c"); of == s.Table {
			if column == "title" {
				values = texts("X", "Y", "Z")
			}
			sql += codeColumn(column, values)
			s.Codes[column] = plan.CodesOf(values)
		}
	}
	return sql
}

// Joins by codes give what joins by texts do, bounded by ranks or streamed, also
// where an outer join finds no row and where a unit has more rows than count.
func TestJoinsByCodes(t *testing.T) {
	a, w := newAsker(t, 2, 3), newWriter(t)
	asked := append(slices.Clone(questions),
		"SELECT shop, COUNT(*) FROM trade.item LEFT JOIN trade.buy ON buy = number GROUP BY shop",
		"SELECT home, shop, SUM(price) FROM trade.person, trade.buy, trade.item WHERE id = buyer AND buy = buy.number GROUP BY home, shop",
		"SELECT name, COUNT(*) FROM trade.buy LEFT JOIN trade.city ON shop = name GROUP BY name")
	for seed := range examples {
		e := newEngine(t, Options{Threads: 1 + seed%2*7})
		segments, used := load(t, w, rapid.Custom(drawRows).Example(300+seed), 1), 0
		for _, sql := range asked {
			streamed := a.plan(t, sql)
			few := *streamed
			few.Limits.MaxRows = 2
			for _, p := range []*plan.Bound{streamed, &few, a.byRanks(t, sql, 3)} {
				by := coded(p, segments)
				used += len(slices.DeleteFunc(slices.Clone(by.Keys), func(k plan.Key) bool { return !k.Coded }))
				if diff := cmp.Diff(e.answer(t, p, segments), e.answer(t, by, segments), cmp.AllowUnexported(privacy.Int128{})); diff != "" {
					t.Errorf("%s, by %s, −texts +codes:\n%s", sql, p.Strategy, diff)
				}
			}
		}
		if want := 3 * 8; used != want {
			t.Errorf("%d keys are coded, want %d", used, want)
		}
	}
}

// Codes are of one list of values: with another one they are not read, and where
// a plan says that they should be, it does not run.
func TestCodesOfAnotherList(t *testing.T) {
	w, dir := newWriter(t), t.TempDir()
	first := texts("a", "b")
	path := w.segment(dir, "a", "SELECT i::UBIGINT AS _unit, k"+codeColumn("k", first)+" FROM (VALUES (1, 'a'), (2, 'b'), (3, 'b'), (4, 'c'), (5, NULL)) t(i, k) ORDER BY 1")
	segment := engine.Segment{Tenant: "a", Path: path, Codes: map[string]string{"k": plan.CodesOf(first)}}
	e := newEngine(t, Options{})
	for _, tt := range []struct {
		domain []plan.Value
		coded  bool
		want   []int64
	}{
		{first, true, []int64{1, 2}},
		{texts("b", "a"), false, []int64{2, 1}},
		{texts("a", "b", "c"), false, []int64{1, 2, 1}},
		{append(texts("a", "b"), plan.Null(plan.Of(plan.KindVarchar))), false, []int64{1, 2, 1}},
	} {
		p := countPlan()
		p.Keys = []plan.Key{{Column: "k", Type: plan.Of(plan.KindVarchar), Domain: tt.domain}}
		by := coded(p, []engine.Segment{segment})
		if by.Keys[0].Coded != tt.coded {
			t.Errorf("%v: coded is %t", tt.domain, by.Keys[0].Coded)
		}
		got := mustRun(t, e, by, segment)
		for i, want := range tt.want {
			if n := total(got.Draws[0][i : i+1]); n != want {
				t.Errorf("%v: %d rows of value %d, want %d", tt.domain, n, i, want)
			}
		}
		by.Keys[0].Coded = true
		if _, err := e.Run(t.Context(), engine.Input{Plan: by, Segments: []engine.Segment{segment}}); (err == nil) != tt.coded {
			t.Errorf("%v, by codes all the same: %v", tt.domain, err)
		}
	}
}
