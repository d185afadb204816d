package duckdb

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// TestDuplicatedKeysOfAPublicTable: a public table that lists a key a thousand
// times multiplies a unit's rows, and not what the unit contributes.
func TestDuplicatedKeysOfAPublicTable(t *testing.T) {
	a := newAsker(t, 1, 3)
	p := a.plan(t, "SELECT COUNT(*), SUM(age) FROM trade.person JOIN trade.city ON home = name")
	w := newWriter(t)
	rows := []row{{"north", "person", 1, "'a', 100"}, {"north", "person", 2, "'b', 100"}}
	for i := range 1000 {
		rows = append(rows, row{table: "city", values: fmt.Sprintf("'a', %d", i%3)})
	}
	e := newEngine(t, Options{})
	got := e.answer(t, p, load(t, w, rows, 1))
	for i, d := range p.Draws {
		if n, want := total(got.Draws[i]), 3*d.Magnitude(); n != want {
			t.Errorf("%s is %d, want %d", d, n, want)
		}
	}
}

// TestAUnitsRowsAreCappedBeforeTheyMultiply: where one row meets a thousand
// public ones, a unit joins no more rows than make maxJoinedRows, in any order of
// its rows, and other units all of theirs.
func TestAUnitsRowsAreCappedBeforeTheyMultiply(t *testing.T) {
	a := newAsker(t, 1, 1<<30)
	p := a.plan(t, "SELECT COUNT(*), SUM(age) FROM trade.person JOIN trade.city ON home = name")
	w := newWriter(t)
	var rows []row
	for i := range 1000 {
		rows = append(rows, row{table: "city", values: fmt.Sprintf("'a', %d", i%3)})
	}
	for i := range 6000 {
		rows = append(rows, row{"north", "person", 1, fmt.Sprintf("'a', %d", i%90)})
	}
	rows = append(rows, row{"north", "person", 2, "'a', 7"}, row{"north", "person", 2, "'a', 8"})
	e := newEngine(t, Options{})
	want := e.answer(t, p, load(t, w, rows, 1))
	rand.New(rand.NewSource(1)).Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	got := e.answer(t, p, load(t, w, rows, 1))
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(privacy.Int128{})); diff != "" {
		t.Error(diff)
	}
	if n, most := total(got.Draws[slices.IndexFunc(p.Draws, func(d plan.Draw) bool { return d.Kind == plan.DrawRows && d.Mask == nil })]), int64((maxJoinedRows/1000+2)*1000); n != most {
		t.Errorf("%d joined rows, want %d", n, most)
	}
}

// TestARowDoesNotDecideWhetherAJoinFails: public tables that multiply each
// other's rows could make a run fail for the sake of the one row that passes a
// filter. Such a join is refused whether or not there is that row.
func TestARowDoesNotDecideWhetherAJoinFails(t *testing.T) {
	a := newAsker(t, 1, 3)
	w := newWriter(t)
	without := []row{{"north", "person", 1, "'a', 30"}}
	for i := range 1000 {
		without = append(without, row{table: "city", values: fmt.Sprintf("'a', %d", i%2)}, row{table: "land", values: "1, 'X'"})
	}
	for range 5 {
		without = append(without, row{table: "city", values: "NULL, 3"}) // meets nothing
	}
	with := append(slices.Clone(without), row{"north", "person", 2, "'a', 99"})
	sides := [][]engine.Segment{load(t, w, without, 1), load(t, w, with, 2)}
	e := newEngine(t, Options{})
	for from, permitted := range map[string]bool{
		"trade.person": true,
		"trade.person JOIN trade.city ON home = name":                                            true,
		"trade.person LEFT JOIN trade.city ON home = name":                                       true,
		"trade.person JOIN trade.land ON age = number":                                           true,
		"trade.person JOIN trade.city ON home = name JOIN trade.city b ON city.name = b.name":    false,
		"trade.person JOIN trade.city ON home = name JOIN trade.land ON land = number":           false,
		"trade.person LEFT JOIN trade.city ON home = name LEFT JOIN trade.land ON land = number": false,
		"trade.person, trade.city, trade.city b WHERE home = city.name AND home = b.name":        false,
	} {
		where := " WHERE age = 99"
		if strings.Contains(from, "WHERE") {
			where = " AND age = 99"
		}
		p := a.plan(t, "SELECT COUNT(*) FROM "+from+where)
		for i, segments := range sides {
			in := engine.Input{Plan: p, Segments: of(p, segments)}
			first := e.Permits(t.Context(), in)
			_, err := e.Run(t.Context(), in)
			if (first == nil) != permitted || (err == nil) != permitted || !permitted && privacy.CodeOf(first) != privacy.CodeQueryNotPermitted {
				t.Errorf("%s, side %d: %v, %v, want permitted %t", from, i, first, err, permitted)
			}
		}
	}
}

// TestAJoinOfTablesThatNobodyLoaded: a tenant may have loaded some of the
// tables, and the operator none.
func TestAJoinOfTablesThatNobodyLoaded(t *testing.T) {
	a := newAsker(t, 2, 3)
	w := newWriter(t)
	segments := load(t, w, []row{{"north", "person", 1, "'a', 30"}, {"south", "buy", 1, "1, 'a', 2"}}, 1)
	e := newEngine(t, Options{})
	for sql, want := range map[string]int64{
		"SELECT COUNT(*) FROM trade.person":                              1,
		"SELECT COUNT(*) FROM trade.item":                                0,
		"SELECT COUNT(*) FROM trade.person JOIN trade.buy ON id = buyer": 0,
		"SELECT COUNT(*) FROM trade.person LEFT JOIN trade.buy ON id = buyer LEFT JOIN trade.item ON buy = buy.number": 1,
		"SELECT COUNT(*) FROM trade.person JOIN trade.city ON home = name":                                             0,
		"SELECT COUNT(*) FROM trade.person LEFT JOIN trade.city ON home = name":                                        1,
	} {
		p := a.plan(t, sql)
		if got := total(e.answer(t, p, segments).Draws[0]); got != want {
			t.Errorf("%s is %d, want %d", sql, got, want)
		}
	}
}
