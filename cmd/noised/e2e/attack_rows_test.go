//go:build audit

package e2e

import (
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/api/wire"
)

// TestAuditAttack04ErrorOracle asks everything whose computation could fail on a
// row, with and without one person of such rows: every answer is the same in
// status, headers, sizes and shape.
func TestAuditAttack04ErrorOracle(t *testing.T) {
	contract, err := os.ReadFile(filepath.FromSlash("testdata/readings.yaml"))
	check(t, err)
	clean := readingsHistory(t, contract, healthy())
	diff := cmp.Diff(clean, readingsHistory(t, contract, slices.Concat(healthy(), poison())))
	if diff != "" {
		t.Errorf("poison shows:\n%s", diff)
	}
	verdict(t, "attack-04", 2*(len(clean)+brokenTexts(t)), "identical", "identical")
}

// brokenTexts loads one person whose rows are no UTF-8, have too many fields or
// values that do not fit, beside those that are well. It returns the number of
// answers that it compared.
func brokenTexts(t *testing.T) int {
	t.Helper()
	contract := strings.Replace(metersContract, "budget_defaults", "  d: {type: date, role: dimension, domain: private}\nbudget_defaults", 1)
	good := "person,g,v,d\n" + strings.Repeat("p1,a,1,2024-01-01\np2,b,2,\n", 50)
	bad := good + "bad\xff\xfe,a,1,\nbad,\xc3\x28,1,\nbad,a,1,2,3,\nbad,a,1e999,\nbad,a\x00b,1,\n" +
		"bad,a,1,294000-01-01\nbad,a,1,2024-02-30\nbad,a,1,infinity\nbad,a,1,0000-00-00\n"
	ask := func(file string) []trace {
		s := build(t, contract, map[string]string{"t": "person,g,v,d\n"})
		s.sendFile("t", wire.TypeCSV, file, "?max_bad_records=100")
		var out []trace
		for _, sql := range []string{
			"SELECT g, COUNT(*) AS n, SUM(v) AS s FROM meters GROUP BY g", "SELECT COUNT(DISTINCT person) AS n FROM meters",
			"SELECT MEDIAN(v) AS m, MIN(v) AS lo, VAR_POP(v) AS q FROM meters", "SELECT COUNT(*) AS n FROM meters WHERE CAST(g AS DATE) IS NULL",
			"SELECT COUNT(*) AS n FROM meters WHERE year(d) > 2000", "SELECT date_trunc('month', d) AS k, COUNT(*) AS n FROM meters WHERE d < DATE '1900-01-01' GROUP BY 1",
		} {
			out = append(out, s.observe(s.query(wire.QueryRequest{SQL: sql})))
		}
		return out
	}
	want := ask(good)
	if diff := cmp.Diff(want, ask(bad)); diff != "" {
		t.Errorf("broken texts show:\n%s", diff)
	}
	return len(want)
}

const metersContract = `
dataset: meters
version: 1
privacy_unit: {column: person, scope: tenant}
contribution: {max_partitions: 2, max_rows_per_partition: 3}
columns:
  person: {type: varchar, role: unit}
  g:      {type: varchar, role: dimension, domain: {values: [a, b]}}
  v:      {type: double, role: measure, bounds: [-10, 10], resolution: 0.01}
budget_defaults: {epsilon_per_query: 1, delta_per_query: 0.01}
`

// TestAuditAttack05Extremes adds one person whose rows are NaN, infinite or
// beyond every number: answers stay finite, and the sum moves by what one person
// may move it, 2 groups of 3 rows of 10.
func TestAuditAttack05Extremes(t *testing.T) {
	var base strings.Builder
	base.WriteString("person,g,v\n")
	for i := range 500 {
		fmt.Fprintf(&base, "p%d,%s,%d\n", i, []string{"a", "b"}[i%2], i%7)
	}
	const answers = 100
	q := wire.QueryRequest{SQL: "SELECT g, SUM(v) AS s, AVG(v) AS m FROM meters GROUP BY g", Epsilon: ptr(100.0), Delta: ptr(1e-2)}
	mean := func(file string) (mean, stddev float64) {
		s := build(t, metersContract, map[string]string{"t": file})
		for _, v := range s.column(q, "s", answers) {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Errorf("a sum of %g", v)
			}
			mean += v / answers
		}
		for _, v := range s.column(q, "m", 5) {
			if !(v >= -10 && v <= 10) {
				t.Errorf("a mean of %g", v)
			}
		}
		return mean, *s.explain(q).Columns[1].Stddev
	}
	before, stddev := mean(base.String())
	deviation := stddev * math.Sqrt(2*2/float64(answers))
	worst := 0.0
	poisons := []string{"nan", "inf", "-inf", "1e308", "-1e308", "", "1e-320", "-0.0"}
	for _, v := range poisons {
		var file strings.Builder
		file.WriteString(base.String())
		for range 50 {
			fmt.Fprintf(&file, "poison,a,%s\npoison,b,%s\n", v, v)
		}
		after, _ := mean(file.String())
		worst = max(worst, math.Abs(after-before))
		if math.Abs(after-before) > 60+6*deviation { // 6 deviations, 8 comparisons: 2e-8
			t.Errorf("%q moves the sum by %.2f ± %.2f, more than 60", v, after-before, deviation)
		}
	}
	verdict(t, "attack-05", (len(poisons)+1)*answers, 60.0, fmt.Sprintf("%.2f ± %.2f", worst, deviation))
}

// TestAuditAttack18NoUnit loads 100,000 rows whose unit is NULL or blank beside
// a few good ones. Together they may move a count of people, and of rows, by
// what one unit may.
func TestAuditAttack18NoUnit(t *testing.T) {
	var good, bad strings.Builder
	good.WriteString("person,g,v\n")
	for i := range 200 {
		fmt.Fprintf(&good, "p%d,a,1\n", i)
	}
	bad.WriteString(good.String())
	const rows = 100_000
	for i := range rows {
		bad.WriteString([]string{"", `""`, "  ", `"	"`}[i%4] + ",a,1\n")
	}
	q := wire.QueryRequest{SQL: "SELECT COUNT(DISTINCT person) AS people, COUNT(*) AS n FROM meters", Epsilon: ptr(100.0), Delta: ptr(1e-2)}
	const answers = 100
	var people, n [2]float64
	var stddev float64
	for side, file := range []string{good.String(), bad.String()} {
		s := build(t, metersContract, map[string]string{"t": "person,g,v\n"})
		s.sendFile("t", wire.TypeCSV, file, "?max_bad_records=1000000")
		for _, v := range s.column(q, "people", answers) {
			people[side] += v / answers
		}
		for _, v := range s.column(q, "n", answers) {
			n[side] += v / answers
		}
		stddev = *s.explain(q).Columns[1].Stddev
	}
	deviation := stddev * math.Sqrt(2/float64(answers))
	if d := math.Abs(people[1] - people[0]); d > 1+6*deviation {
		t.Errorf("%d rows without a unit are %.1f people", rows, d)
	}
	if d := math.Abs(n[1] - n[0]); d > 3+6*deviation {
		t.Errorf("%d rows without a unit count %.1f", rows, d)
	}
	verdict(t, "attack-18", rows, 1.0, fmt.Sprintf("%.2f ± %.2f", math.Abs(people[1]-people[0]), deviation))
}

// TestAuditAttack24Shape compares everything of the answers but the values, on
// the sample with and without its busiest student: row counts, validity,
// dictionaries, sizes, metadata, prices, budgets and metrics.
func TestAuditAttack24Shape(t *testing.T) {
	rows := theSample(t)
	perStudent := map[int64]int{}
	for _, r := range rows {
		perStudent[r.Student]++
	}
	busiest := int64(-1)
	for student, n := range perStudent {
		if busiest < 0 || n > perStudent[busiest] || n == perStudent[busiest] && student < busiest {
			busiest = student
		}
	}
	without, err := newTemplate("shape-without-one", rows.Without(busiest))
	check(t, err)
	with := newSite(t).history()
	if diff := cmp.Diff(with, siteOf(t, without).history()); diff != "" {
		t.Errorf("the busiest student shows:\n%s", diff)
	}
	verdict(t, "attack-24", 2*len(with), "identical", "identical")
}

// TestAuditAttack25Keys loads one text in the spellings that Unicode holds equal,
// and texts that only look equal, in two orders of rows. The same keys come back
// whichever came first, equal ones as one, different ones as two.
func TestAuditAttack25Keys(t *testing.T) {
	contract := `
dataset: names
version: 1
privacy_unit: {column: person, scope: tenant}
contribution: {max_partitions: 1, max_rows_per_partition: 1}
columns:
  person: {type: bigint, role: unit}
  name:   {type: varchar, role: dimension, domain: private}
  known:  {type: varchar, role: dimension, domain: {values: ["caf\u00e9", "Caf\u00e9"]}}
  x:      {type: double, role: measure, bounds: [-1, 1], resolution: 0.5}
`
	spellings := []string{"caf\u00e9", "cafe\u0301", "Caf\u00e9", "Cafe\u0301", "caf\u00e9 ", "\u212b", "\u00c5", "A\u030a"}
	want := []string{"Caf\u00e9", "caf\u00e9", "caf\u00e9 ", "\u00c5"}
	var lines []string
	for i := range 8000 {
		name := spellings[i%len(spellings)]
		lines = append(lines, fmt.Sprintf("%d,%q,%q,%s\n", i, name, strings.TrimSpace(name), []string{"0.0", "-0.0", "nan"}[i%3]))
	}
	files := []string{"person,name,known,x\n" + strings.Join(lines, "")}
	slices.Reverse(lines)
	files = append(files, "person,name,known,x\n"+strings.Join(lines, ""))
	questions := []string{
		"SELECT name, COUNT(*) AS n FROM names GROUP BY name", "SELECT known, COUNT(*) AS n FROM names GROUP BY known",
		"SELECT CASE WHEN x = 0.0 THEN 'zero' WHEN x = -0.0 THEN 'minus' ELSE 'other' END AS sign, COUNT(*) AS n FROM names GROUP BY 1",
	}
	var keys [2][]string
	for side, file := range files {
		s := build(t, contract, map[string]string{"t": file})
		for _, sql := range questions {
			a := s.call(s.query(wire.QueryRequest{SQL: sql, Epsilon: ptr(50.0), Delta: ptr(1e-6)}))
			if a.status != http.StatusOK {
				t.Fatalf("%s: %d %s", sql, a.status, a.body)
			}
			for _, row := range readArrow(t, a.body).text {
				keys[side] = append(keys[side], row[0])
			}
		}
	}
	if diff := cmp.Diff(keys[0], keys[1]); diff != "" {
		t.Errorf("the order of rows shows:\n%s", diff)
	}
	if got := keys[0][:min(len(want), len(keys[0]))]; !slices.Equal(got, want) {
		t.Errorf("keys %q, want %q", got, want)
	}
	verdict(t, "attack-25", 2*len(lines), fmt.Sprintf("%q", want), fmt.Sprintf("%q", keys[0][:min(len(want), len(keys[0]))]))
}
