package reduce_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/reduce"
	"github.com/noised/noised/analytics/scripttest"
	"github.com/noised/noised/analytics/sqlparse"
	"github.com/noised/noised/privacy"
)

var update = scripttest.Update()

func newParser(t testing.TB) *sqlparse.Parser {
	t.Helper()
	p, err := sqlparse.New()
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

// tables are the tables of the tests, with their columns.
var tables = map[string][]string{
	"visits":      {"patient", "ward", "day", "cost", "age", "tenant"},
	"shop.people": {"p_id", "p_city", "p_age", "tenant"},
	"shop.orders": {"o_id", "o_person", "o_total", "o_kind", "tenant"},
	"shop.city":   {"city", "region"},
}

func columns(t *plan.Table) ([]string, error) {
	name := t.Dataset
	if t.Name != "" {
		name += "." + t.Name
	}
	if c, ok := tables[name]; ok {
		return c, nil
	}
	return nil, privacy.Errorf(privacy.CodeUnknownDataset, "there is no table %q", name).At(int(t.Pos))
}

// TestScripts runs testdata/*.txt: a query on lines that begin with "> ", then
// the reduced query or the refusal.
func TestScripts(t *testing.T) {
	p := newParser(t)
	scripttest.Run(t, update, func(_ *testing.T, block string) string { return runBlock(p, block) })
}

func runBlock(p *sqlparse.Parser, block string) string {
	head, text := scripttest.Question(block)
	out := strings.Join(head, "\n") + "\n"
	if len(text) == 0 {
		return out + "\n"
	}
	sel, err := parse(p, strings.Join(text, "\n"))
	if err != nil {
		return out + scripttest.Refusal(err)
	}
	return out + sqlOf(sel) + "\n\n"
}

func parse(p *sqlparse.Parser, text string) (*plan.Select, error) {
	sel, err := p.Parse(context.Background(), text)
	if err != nil {
		return nil, err
	}
	return reduce.Reduce(sel, columns)
}

// TestWhatUnfoldsIsBounded: a short query may stand for a long one.
func TestWhatUnfoldsIsBounded(t *testing.T) {
	p := newParser(t)
	for name, c := range map[string]struct{ item, message string }{
		"wide": {"a + a + a + a + a + a", "a query that unfolds into more than 10000 expressions is not permitted"},
		"deep": {strings.Repeat("abs(", 50) + "a" + strings.Repeat(")", 50), "a query that unfolds into more than 100 levels is not permitted"},
	} {
		text := "SELECT cost AS a FROM visits"
		for range 6 {
			text = "SELECT " + c.item + " AS a FROM (" + text + ") s"
		}
		_, err := parse(p, "SELECT SUM(a) FROM ("+text+") s")
		if e := privacy.AsError(err); e == nil || e.Message != c.message {
			t.Errorf("%s: %v, want %s", name, err, c.message)
		}
	}
}

func TestAQueryOfOneTableStaysAsItIs(t *testing.T) {
	p := newParser(t)
	sel, err := p.Parse(context.Background(), "SELECT nothing.known FROM a WHERE unknown = 1 GROUP BY 17")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := reduce.Reduce(sel, nil); err != nil || got != sel {
		t.Errorf("got %v, %v", got, err)
	}
}

// FuzzReduce: no text makes the parser and the reduction panic or fail
// internally, what is accepted has no subquery and is not large.
func FuzzReduce(f *testing.F) {
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
		sel, err := parse(p, text)
		if err != nil {
			e := privacy.AsError(err)
			if e.Code == privacy.CodeInternal || e.Position < 0 || e.Position > utf8.RuneCountInString(text)+1 {
				t.Fatalf("%v at %d", err, e.Position)
			}
			return
		}
		if subquery(sel.From) || len(plan.Tables(sel.From)) > sqlparse.MaxTables {
			t.Fatal("not reduced")
		}
	})
}

func subquery(f plan.From) bool {
	switch f := f.(type) {
	case *plan.Table:
		return false
	case *plan.Join:
		return subquery(f.Left) || subquery(f.Right)
	case *plan.Subquery:
	}
	return true
}
