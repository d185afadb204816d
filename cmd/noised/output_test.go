package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/api/wire"
)

func TestLinesAreBrokenAtSpacesWhereTheTerminalEnds(t *testing.T) {
	for _, c := range []struct {
		line  string
		width int
		want  []string
	}{
		{"one two three", 0, []string{"one two three"}},
		{"one two three", -2, []string{"one two three"}},
		{"one two three", 13, []string{"one two three"}},
		{"one two three", 12, []string{"one two", "three"}},
		{"one two three", 3, []string{"one", "two", "three"}},
		{"unbreakable", 4, []string{"unbreakable"}},
		{"  →  kept indent", 10, []string{"  →  kept", "indent"}},
		{"", 10, []string{""}},
	} {
		if diff := cmp.Diff(c.want, wrap(c.line, c.width)); diff != "" {
			t.Errorf("wrap(%q, %d): %s", c.line, c.width, diff)
		}
	}
}

func TestPlacesAndTablesAllowForWideCharacters(t *testing.T) {
	if got, want := pointAt("SELECT '😀',\tx", 13), "  SELECT '😀',\tx\n              \t^\n"; got != want {
		t.Errorf("pointAt: %q, want %q", got, want)
	}
	g := grid{header: []string{"a", "b"}, rows: [][]string{{"日本", "1"}, {"x\x1b", "2"}}}
	var b bytes.Buffer
	g.write(&b)
	if got, want := b.String(), "  a     b\n  ────  ─\n  日本  1\n  x�    2\n"; got != want {
		t.Errorf("grid: %q, want %q", got, want)
	}
}

func TestPathsInSuggestedCommandsAreQuoted(t *testing.T) {
	for path, want := range map[string]string{
		"/var/lib/noised": "/var/lib/noised", "my data": "'my data'", "": "''", "it's": `'it'\''s'`, "$HOME": "'$HOME'",
	} {
		if got := quote(path); got != want {
			t.Errorf("quote(%q) = %s, want %s", path, got, want)
		}
	}
}

// Tables with many columns stay within a screen.
func TestTablesFitAScreen(t *testing.T) {
	var columns []wire.DatasetColumn
	for i := range 12 {
		columns = append(columns, wire.DatasetColumn{Name: fmt.Sprintf("l_column_%d", i)})
	}
	var b bytes.Buffer
	writeTables(&b, []wire.DatasetTable{{Name: "lineitem", Via: optional("l_orderkey -> orders.o_orderkey"), Columns: columns}})
	for line := range strings.Lines(b.String()) {
		if displayWidth(line) > 80 {
			t.Errorf("a line of %d columns: %s", displayWidth(line), line)
		}
	}
	if got := strings.Count(b.String(), "l_column_"); got != len(columns) {
		t.Errorf("%d of %d columns are shown:\n%s", got, len(columns), b.String())
	}
}

// On a terminal, lists leave out and shorten what can be done without; ids and
// what they are looked up for stay. Elsewhere they are whole.
func TestListsFitATerminal(t *testing.T) {
	at := time.Date(2026, 11, 23, 15, 4, 5, 0, time.Local)
	id := func(prefix string) string { return prefix + "_" + strings.Repeat("k", 26) }
	sql := "SELECT l_returnflag, l_linestatus, SUM(l_extendedprice) AS price FROM tpch.lineitem GROUP BY ALL"
	var charges []wire.ExplainCharge
	for month := 1; month <= 12; month++ {
		charges = append(charges, wire.ExplainCharge{Account: fmt.Sprintf("tenant-period:department_12/admissions@2024-%02d-01", month),
			Rho: 0.0165577, RemainingAfter: wire.Amount{Epsilon: 1.23456, Delta: 1.2345e-7}, QueriesLeft: 1234567})
	}
	for name, c := range map[string]struct {
		grid *grid
		keep []string
		gone []string
	}{
		"release list": {releaseGrid([]wire.Release{{ID: id("rel"), Dataset: "tpch", Epsilon: 0.12345, Delta: 1e-9, CreatedAt: at, SQL: sql}}),
			[]string{id("rel"), "0.1235", "SELECT l_returnflag, l_"}, []string{"again", "created"}},
		"load list": {loadGrid([]wire.Load{{ID: id("load"), Dataset: "tpch", Table: optional("lineitem"), State: "succeeded", DryRun: true, RowsLoaded: 6_001_215, CreatedAt: at}}),
			[]string{id("load"), "tpch", "lineitem", "succeeded", "dry run", "6001215"}, []string{"created"}},
		"key list": {keyGrid([]wire.Key{{ID: id("key"), Role: "budget-admin", Tenant: optional("department_12"), Name: optional("the night shift's ledger"), ExpiresAt: &at, CreatedAt: at}}, at.Add(-time.Hour)),
			[]string{id("key"), "budget-admin", "the night sh", "until 2026-11-23…"}, []string{"group", "created"}},
		"budget charges": {spendingGrid([]wire.Charge{{At: at, Principal: id("key"), Epsilon: 0.12345, Delta: 1e-9, Rho: 0.01655777, State: "released", Release: optional(id("rel"))}}),
			[]string{id("key"), "0.1235", "released"}, []string{"rel_", "ρ"}},
		"explain": {chargeGrid(charges), []string{"tenant-period:department_12", "-01-01 … 2024-12-01 (12)", "1.235", "1234567"}, []string{"ρ", "left δ"}},
	} {
		var whole, fitted bytes.Buffer
		c.grid.write(&whole)
		c.grid.fit(80).write(&fitted)
		for line := range strings.Lines(fitted.String()) {
			if n := displayWidth(strings.TrimSuffix(line, "\n")); n > 80 {
				t.Errorf("%s: %d columns: %s", name, n, line)
			}
		}
		for _, text := range c.keep {
			if !strings.Contains(fitted.String(), text) {
				t.Errorf("%s has lost %q:\n%s", name, text, fitted.String())
			}
		}
		for _, text := range c.gone {
			if !strings.Contains(whole.String(), text) || strings.Contains(fitted.String(), text) {
				t.Errorf("%s should have %q when there is room:\n%s\n%s", name, text, whole.String(), fitted.String())
			}
		}
		if again := c.grid.fit(1000); again != c.grid {
			t.Errorf("%s is changed where there is room for it", name)
		}
	}
}

func TestColumnsAreShortenedAtTheirEndOrInTheirMiddle(t *testing.T) {
	for _, c := range []struct {
		text   string
		width  int
		middle bool
		want   string
	}{
		{"abcdef", 6, false, "abcdef"},
		{"abcdef", 5, false, "abcd…"},
		{"abcdef", 5, true, "ab…ef"},
		{"abcdef", 4, true, "ab…f"},
		{"日本語", 5, false, "日本…"},
		{"日本語", 4, false, "日…"},
		{"日本語", 5, true, "日…語"},
	} {
		if got := shorten(c.text, c.width, c.middle); got != c.want {
			t.Errorf("shorten(%q, %d, %t) = %q, want %q", c.text, c.width, c.middle, got, c.want)
		}
	}
}
