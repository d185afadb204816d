package sqlparse

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/scripttest"
	"github.com/noised/noised/privacy"
)

var update = scripttest.Update()

func newParser(t testing.TB) *Parser {
	t.Helper()
	p, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// TestScripts runs testdata/*.txt: a query on lines that begin with "> ", then
// what comes of it, the canonical select or the refusal.
func TestScripts(t *testing.T) {
	p := newParser(t)
	scripttest.Run(t, update, func(_ *testing.T, block string) string { return runBlock(p, block) })
}

func runBlock(p *Parser, block string) string {
	head, sql := scripttest.Question(block)
	out := strings.Join(head, "\n") + "\n"
	if len(sql) == 0 {
		return out + "\n"
	}
	sel, err := p.Parse(context.Background(), strings.Join(sql, "\n"))
	if err != nil {
		return out + scripttest.Refusal(err)
	}
	return out + show(sel) + "\n"
}

// showFrom prints a relation, what is within further to the right.
func showFrom(f plan.From) string {
	indent := func(s string) string {
		return "  " + strings.ReplaceAll(strings.TrimSuffix(s, "\n"), "\n", "\n  ") + "\n"
	}
	switch f := f.(type) {
	case *plan.Table:
		name := fmt.Sprintf("%q", f.Dataset)
		if f.Name != "" {
			name += fmt.Sprintf(".%q", f.Name)
		}
		return fmt.Sprintf("from %s alias %q at %d\n", name, f.Alias, f.Pos)
	case *plan.Subquery:
		return fmt.Sprintf("from subquery alias %q at %d\n", f.Alias, f.Pos) + indent(show(f.Select))
	case *plan.Join:
		return fmt.Sprintf("join outer=%t on %s using %q at %d\n", f.Outer, plan.Print(f.On), f.Using, f.Pos) +
			indent(showFrom(f.Left)) + indent(showFrom(f.Right))
	}
	panic("unknown relation")
}

// show prints a select, one part a line.
func show(s *plan.Select) string {
	var b strings.Builder
	b.WriteString(showFrom(s.From))
	for _, it := range s.Items {
		fmt.Fprintf(&b, "item %s as %q at %d\n", plan.Print(it.Expr), it.Alias, it.Pos)
	}
	if s.Where != nil {
		fmt.Fprintf(&b, "where %s at %d\n", plan.Print(s.Where), plan.PosOf(s.Where))
	}
	for _, g := range s.GroupBy {
		fmt.Fprintf(&b, "group by %s\n", plan.Print(g))
	}
	if s.Having != nil {
		fmt.Fprintf(&b, "having %s\n", plan.Print(s.Having))
	}
	for _, o := range s.OrderBy {
		fmt.Fprintf(&b, "order by %s desc=%t nulls first=%t\n", plan.Print(o.Expr), o.Desc, o.NullsFirst)
	}
	if s.Limit != nil {
		fmt.Fprintf(&b, "limit %d\n", *s.Limit)
	}
	if s.Offset != 0 {
		fmt.Fprintf(&b, "offset %d\n", s.Offset)
	}
	return b.String()
}

func TestTextsThatNeverReachDuckDB(t *testing.T) {
	p := newParser(t)
	for name, c := range map[string]struct {
		sql  string
		code privacy.Code
		at   int
	}{
		"too long":         {"SELECT COUNT(*) FROM d -- " + strings.Repeat("x", MaxBytes), privacy.CodeQueryNotPermitted, 0},
		"a NUL":            {"SELECT é\x00", privacy.CodeSQLSyntax, 9},
		"invalid UTF-8":    {"SELECT '\xff'", privacy.CodeSQLSyntax, 0},
		"nested comments":  {strings.Repeat("/*", 8000), privacy.CodeQueryNotPermitted, 0},
		"deep parentheses": {"SELECT " + strings.Repeat("f(", 5000) + "1" + strings.Repeat(")", 5000) + " FROM d", privacy.CodeSQLSyntax, 10004},
		"deep operators":   {"SELECT " + strings.Repeat("1+", 8000) + "1 FROM d", privacy.CodeQueryNotPermitted, 0},
		"200 levels":       {"SELECT " + strings.Repeat("a+", 200) + "1 FROM d", privacy.CodeQueryNotPermitted, 207},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := p.Parse(context.Background(), c.sql)
			e := privacy.AsError(err)
			if e == nil || e.Code != c.code || (c.at != 0 && e.Position != c.at) {
				t.Errorf("got %v at %d, want %s at %d", err, e.Position, c.code, c.at)
			}
			if len(e.Message) > 1000 {
				t.Errorf("the message repeats %d bytes of the query", len(e.Message))
			}
		})
	}
}

func TestLongChainsOfAndAreNotDeep(t *testing.T) {
	p := newParser(t)
	sel, err := p.Parse(context.Background(), "SELECT COUNT(*) FROM d WHERE a = 1"+strings.Repeat(" AND a = 1", 1000))
	if err != nil {
		t.Fatal(err)
	}
	if got := plan.Print(sel.Where); got != `(and (= "a" in1))` {
		t.Error(got)
	}
}

// TestWhatUnfoldsIsCounted: a text of a few hundred bytes may stand for a query
// of any size. What is refused is refused before it is unfolded.
func TestWhatUnfoldsIsCounted(t *testing.T) {
	p := newParser(t)
	doubling := func(body func(i int) string, n int) string {
		var s strings.Builder
		s.WriteString("WITH c0 AS (SELECT a FROM d)")
		for i := 1; i < n; i++ {
			fmt.Fprintf(&s, ", c%d AS (%s)", i, body(i-1))
		}
		fmt.Fprintf(&s, " SELECT count(*) FROM c%d", n-1)
		return s.String()
	}
	for name, c := range map[string]struct{ sql, message string }{
		"each entry uses the one before twice": {
			doubling(func(i int) string { return fmt.Sprintf("SELECT x.a FROM c%d x, c%d y", i, i) }, 60), "reading more than 8 tables is not permitted"},
		"each entry is a level deeper": {
			doubling(func(i int) string { return fmt.Sprintf("SELECT a FROM c%d", i) }, 9), "nesting of more than 8 subqueries is not permitted"},
		"a long list used eight times": {
			"WITH c AS (SELECT a FROM d WHERE a IN (1" + strings.Repeat(",1", 2000) + ")) SELECT count(*) FROM c c1, c c2, c c3, c c4, c c5, c c6",
			"a query of more than 10000 expressions is not permitted"},
		"deep subqueries":  {"SELECT count(*)" + strings.Repeat(" FROM (SELECT a", 9) + " FROM d" + strings.Repeat(")", 9), "nesting of more than 8 subqueries is not permitted"},
		"a chain of joins": {"SELECT count(*) FROM d" + strings.Repeat(",d", 90), "reading more than 8 tables is not permitted"},
		"bushy joins":      {"SELECT count(*) FROM (a CROSS JOIN b CROSS JOIN c CROSS JOIN d CROSS JOIN e) JOIN (f JOIN (g JOIN (h JOIN i USING (x)) USING (x)) USING (x)) USING (x)", "reading more than 8 tables is not permitted"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := p.Parse(context.Background(), c.sql)
			if e := privacy.AsError(err); e == nil || e.Code != privacy.CodeQueryNotPermitted || e.Message != c.message {
				t.Errorf("got %v, want %q", err, c.message)
			}
		})
	}
	for name, sql := range map[string]string{
		"eight levels": doubling(func(i int) string { return fmt.Sprintf("SELECT a FROM c%d", i) }, 8),
		"eight tables": "SELECT count(*) FROM a, b, c, d, e, f, g, h",
		"unused":       "WITH a AS (SELECT x FROM d, d d2, d d3, d d4, d d5), b AS (SELECT x FROM d, d d2, d d3, d d4, d d5) SELECT count(*) FROM a",
	} {
		if _, err := p.Parse(context.Background(), sql); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheParserTouchesNothing(t *testing.T) {
	p := newParser(t)
	for _, sql := range []string{"ATTACH 'x.db'", "COPY (SELECT 1) TO 'x.csv'", "SET enable_external_access = true", "SELECT * FROM read_text('parser.go')", "INSTALL httpfs"} {
		if _, err := p.Parse(context.Background(), sql); privacy.CodeOf(err) != privacy.CodeQueryNotPermitted {
			t.Errorf("%s: %v", sql, err)
		}
	}
	for _, sql := range []string{"SELECT count(*) FROM read_text('parser.go')", "SET threads = 4", "ATTACH 'x.db'", "INSTALL httpfs"} {
		if _, err := p.db.Exec(sql); err == nil {
			t.Errorf("the instance ran %q", sql)
		}
	}
}

// FuzzParse: no text makes the parser panic, fail internally, or accept
// something that does not print; positions lie within the text.
func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.txt")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, line := range strings.Split(string(data), "\n") {
			if q, ok := strings.CutPrefix(line, "> "); ok {
				f.Add(q)
			}
		}
	}
	p := newParser(f)
	f.Fuzz(func(t *testing.T, text string) {
		sel, err := p.Parse(context.Background(), text)
		if err != nil {
			e := privacy.AsError(err)
			if e.Code == privacy.CodeInternal || e.Position < 0 || e.Position > utf8.RuneCountInString(text)+1 {
				t.Fatalf("%v at %d", err, e.Position)
			}
			return
		}
		if plan.Tables(sel.From)[0].Dataset == "" || show(sel) == "" {
			t.Fatal("accepted, but says nothing")
		}
	})
}
