package anomaly

import (
	"hash/maphash"
	"testing"
)

func TestQuestionsOfOneForm(t *testing.T) {
	seed := maphash.MakeSeed()
	form := func(sql string) uint64 { return formOf(seed, sql).form }
	base := form("SELECT COUNT(*) FROM visits WHERE ward = 'a' AND age > 30")
	for _, same := range []string{
		"select count(*) from visits where ward = 'b' and age > 31",
		"SELECT COUNT(*)\n FROM visits -- a comment\nWHERE ward = 'it''s' AND /* x */ age>7.5e3",
	} {
		if form(same) != base {
			t.Errorf("%s has another form", same)
		}
	}
	for _, other := range []string{
		"SELECT COUNT(*) FROM visits WHERE ward = 'a'",
		"SELECT COUNT(*) FROM visits WHERE ward <> 'a' AND age > 30",
		"SELECT COUNT(*) FROM visits WHERE site = 'a' AND age > 30",
	} {
		if form(other) == base {
			t.Errorf("%s has the same form", other)
		}
	}
	if form("SELECT 1 FROM t WHERE x IN (1, 2)") != form("SELECT 1 FROM t WHERE x IN (3,4,5,6)") {
		t.Error("lists of other lengths are of other forms")
	}
	if formOf(seed, "SELECT 1").whole == formOf(seed, "SELECT 2").whole {
		t.Error("two questions are one")
	}
}

func TestFiltersOnOneColumn(t *testing.T) {
	seed := maphash.MakeSeed()
	seen := map[filter]bool{}
	for _, sql := range []string{
		"SELECT COUNT(*) FROM v WHERE ward = 'a'", "SELECT COUNT(*) FROM v WHERE 'b' = Ward", "SELECT COUNT(*) FROM v WHERE \"ward\" <> 'c'",
		"SELECT COUNT(*) FROM v WHERE ward IN ('a', 'b')", "SELECT COUNT(*) FROM v WHERE ward NOT IN ('a', 'c')", "SELECT COUNT(*) FROM v WHERE ward BETWEEN 'a' AND 'c'",
		"SELECT COUNT(*) FROM v WHERE ward LIKE 'x%'", "SELECT COUNT(*) FILTER (WHERE ward >= 'd') FROM v",
		"SELECT COUNT(*) FROM v WHERE ward = 'a' AND 1 = 1", // again, and nothing
	} {
		for _, f := range formOf(seed, sql).filters {
			if f.column == maphash.String(seed, "ward") {
				seen[f] = true
			}
		}
	}
	if len(seen) != 8 {
		t.Errorf("%d filters, want 8", len(seen))
	}
}

func FuzzForm(f *testing.F) {
	for _, sql := range []string{"", "'", "\"", "/*", "--", "a=", "in (", "not in (1,", "'' = ''", "\x00\xff"} {
		f.Add(sql)
	}
	seed := maphash.MakeSeed()
	f.Fuzz(func(t *testing.T, sql string) {
		if a, b := formOf(seed, sql), formOf(seed, sql); a.form != b.form || a.whole != b.whole {
			t.Error("not a function of the text")
		}
	})
}
