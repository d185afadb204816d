//go:build audit

package e2e

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/api/wire"
)

// cells is a contract of many declared groups, in each of which a unit may have
// one row. An answer over it is as many independent samples of one law.
const cellCount = 2000

const cellsContract = `
dataset: cells
version: 1
privacy_unit: {column: person, scope: tenant}
contribution: {max_partitions: 1, max_rows_per_partition: 1}
columns:
  person: {type: bigint, role: unit}
  cell:   {type: integer, role: dimension, domain: {range: [1, 2000]}}
  x:      {type: integer, role: measure, bounds: [0, 10]}
budget_defaults: {epsilon_per_query: 1, delta_per_query: 0.01}
`

// cellsFile has n people in every cell, each with the value x.
func cellsFile(n, x int) string {
	var b strings.Builder
	b.WriteString("person,cell,x\n")
	for cell := 1; cell <= cellCount; cell++ {
		for i := range n {
			fmt.Fprintf(&b, "%d,%d,%d\n", cell*100+i, cell, x)
		}
	}
	return b.String()
}

// neighbours are servers with one person in every cell and with nobody.
func neighbours(t *testing.T) (one, none *site) {
	t.Helper()
	return build(t, cellsContract, map[string]string{"t": cellsFile(1, 10)}),
		build(t, cellsContract, map[string]string{"t": "person,cell,x\n"})
}

func cellsQuery(aggregate string, epsilon float64) wire.QueryRequest {
	return wire.QueryRequest{SQL: "SELECT cell, " + aggregate + " AS v FROM cells GROUP BY cell", Epsilon: &epsilon, Delta: ptr(1e-2)}
}

// eventAudit compares an aggregate of one-person cells with that of empty ones:
// what the samples certify must not exceed the μ that was charged.
func eventAudit(t *testing.T, name, aggregate string, one, none *site, samples int) (bound, seen float64) {
	t.Helper()
	q := cellsQuery(aggregate, 1)
	bound = one.mu(q)
	n := samples / cellCount
	d, other := one.column(q, "v", n), none.column(q, "v", n)
	if len(d) != n*cellCount || len(other) != len(d) {
		t.Fatalf("%s: %d and %d samples, want %d", name, len(d), len(other), n*cellCount)
	}
	seen = leastMu(d, other)
	if seen > bound {
		t.Errorf("%s is charged μ = %.4f and loses at least %.4f", name, bound, seen)
	}
	return bound, seen
}

// The event audits at full length; attack-06 has every other aggregate.
func TestAuditEvents(t *testing.T) {
	one, none := neighbours(t)
	samples := times(200_000, 1_000_000)
	for name, aggregate := range map[string]string{"count": "COUNT(*)", "sum": "SUM(x)"} {
		t.Run(name, func(t *testing.T) {
			bound, seen := eventAudit(t, name, aggregate, one, none, samples)
			verdict(t, "event-"+name, 2*samples, bound, seen)
		})
	}
}

// TestAuditAttack06Aggregates compares neighbours by every aggregate.
func TestAuditAttack06Aggregates(t *testing.T) {
	one, none := neighbours(t)
	samples, worst, bound := times(20_000, 1_000_000), math.Inf(-1), 0.0
	aggregates := []string{
		"COUNT(*)", "COUNT(x)", "COUNT(DISTINCT person)", "COUNT(DISTINCT x)", "SUM(x)", "AVG(x)", "VAR_POP(x)", "VAR_SAMP(x)",
		"STDDEV_POP(x)", "STDDEV_SAMP(x)", "MEDIAN(x)", "QUANTILE_CONT(x, 0.9)", "MIN(x)", "MAX(x)",
	}
	for _, a := range aggregates {
		mu, seen := eventAudit(t, a, a, one, none, samples)
		if seen-mu > worst-bound {
			worst, bound = seen, mu
		}
	}
	verdict(t, "attack-06", 2*samples*len(aggregates), bound, worst)
}

// TestAuditAttack03Lattice looks for outputs that only one of two neighbours can
// give: every value must be a multiple of the published quantum, and every
// residue of it must be as frequent with one person in a group as with none.
func TestAuditAttack03Lattice(t *testing.T) {
	one, none := neighbours(t)
	samples := times(200_000, 1_000_000)
	q := cellsQuery("SUM(x)", 1)
	const quantum, residues = 1, 16
	counts := [2][residues]float64{}
	for side, s := range []*site{one, none} {
		for _, v := range s.column(q, "v", samples/cellCount) {
			if v != math.Trunc(v/quantum)*quantum {
				t.Fatalf("%g is no multiple of the quantum", v)
			}
			counts[side][((int(v/quantum)%residues)+residues)%residues]++
		}
	}
	// Two multinomials, compared by χ² with 15 degrees of freedom: beyond 58.5
	// with probability 5e-7.
	chi := 0.0
	for r := range residues {
		sum := counts[0][r] + counts[1][r]
		if sum == 0 {
			continue
		}
		chi += (counts[0][r] - counts[1][r]) * (counts[0][r] - counts[1][r]) / sum
	}
	if chi > 58.5 {
		t.Errorf("the residues differ: %v and %v, χ² = %.1f", counts[0], counts[1], chi)
	}
	verdict(t, "attack-03", 2*samples, 58.5, chi)
}

// TestAuditAttack07LoneKey asks for secret keys that one person has each. They
// may show no oftener than δ says, and declared keys always do.
func TestAuditAttack07LoneKey(t *testing.T) {
	n := times(200_000, 1_000_000)
	var b strings.Builder
	b.WriteString("person,key,kind\n")
	for i := range n {
		fmt.Fprintf(&b, "%d,secret%d,a\n", i, i)
	}
	s := build(t, `
dataset: keys
version: 1
privacy_unit: {column: person, scope: tenant}
contribution: {max_partitions: 1, max_rows_per_partition: 1}
columns:
  person: {type: bigint, role: unit}
  key:    {type: varchar, role: dimension, domain: private}
  kind:   {type: varchar, role: dimension, domain: {values: [a, empty]}}
`, map[string]string{"t": b.String()})
	const delta = 1e-3
	shown := len(readArrow(t, s.ask(wire.QueryRequest{
		SQL: "SELECT key, COUNT(*) AS n FROM keys GROUP BY key", Epsilon: ptr(1.0), Delta: ptr(delta),
	}).body).text)
	least := lowerRate(shown, n, auditAlpha)
	if least > delta {
		t.Errorf("%d of %d lone keys were shown: at least %.2g of them, and δ is %g", shown, n, least, delta)
	}
	if shown == 0 {
		t.Error("no lone key was shown at all: the test sees nothing")
	}
	declared := readArrow(t, s.ask(wire.QueryRequest{SQL: "SELECT kind, COUNT(*) AS n FROM keys GROUP BY kind", Epsilon: ptr(1.0)}).body)
	if len(declared.text) != 2 {
		t.Errorf("%d declared groups, want 2", len(declared.text))
	}
	t.Run("selection", func(t *testing.T) { verdict(t, "event-selection", n, delta, float64(shown)/float64(n)) })
	verdict(t, "attack-07", n, delta, least)
}

// sea is a contract of persons who have rows in declared groups, from 1 on.
func sea(groups int) string {
	return fmt.Sprintf(`
dataset: sea
version: 1
privacy_unit: {column: person, scope: tenant}
contribution: {max_partitions: 5, max_rows_per_partition: 10}
columns:
  person: {type: bigint, role: unit}
  g:      {type: integer, role: dimension, domain: {range: [1, %d]}}
`, groups)
}

// TestAuditAttack08Whale adds one person with 100,000 rows in 10,000 groups. All
// answers together may shift by L0·Linf; noise of R answers is averaged out as
// far as the test needs to tell that from 100,000.
func TestAuditAttack08Whale(t *testing.T) {
	const groups, perGroup, l0, linf = 10_000, 10, 5, 10
	contract := sea(groups)
	var small, whale strings.Builder
	small.WriteString("person,g\n")
	for i := range 2000 {
		fmt.Fprintf(&small, "%d,%d\n", i, i%groups+1)
	}
	whale.WriteString(small.String())
	for g := range groups {
		for range perGroup {
			fmt.Fprintf(&whale, "999999,%d\n", g+1)
		}
	}
	q := wire.QueryRequest{SQL: "SELECT g, COUNT(*) AS n FROM sea GROUP BY g", Epsilon: ptr(100.0), Delta: ptr(1e-2)}
	const answers = 60
	var sums [2]float64
	var stddev float64
	for side, file := range []string{small.String(), whale.String()} {
		s := build(t, contract, map[string]string{"t": file})
		for _, v := range s.column(q, "n", answers) {
			sums[side] += v / answers
		}
		stddev = *s.explain(q).Columns[1].Stddev
	}
	shift := sums[1] - sums[0]
	deviation := stddev * math.Sqrt(2*groups/float64(answers))
	if math.Abs(shift) > l0*linf+5*deviation { // 5 deviations: 6e-7
		t.Errorf("the whale shifts the sum by %.1f ± %.1f, more than %d", shift, deviation, l0*linf)
	}
	verdict(t, "attack-08", answers*groups, float64(l0*linf), fmt.Sprintf("%.1f ± %.1f", shift, deviation))
}

// TestAuditAttack10Parameters asks with parameters that break mechanisms: each
// is refused, at once and for free. How long that takes is the least of up to ten
// times, since what others do on the machine only ever adds to it.
func TestAuditAttack10Parameters(t *testing.T) {
	s := build(t, cellsContract, map[string]string{"t": cellsFile(1, 5)})
	before := s.spentBy("t")
	body := func(fields string) request {
		return request{key: s.Analyst, method: http.MethodPost, path: "/v1/query", header: map[string]string{"Content-Type": wire.TypeJSON},
			body: `{"sql": "SELECT COUNT(*) AS n FROM cells", ` + fields + `}`}
	}
	var requests []request
	for _, epsilon := range []string{"0", "-1", "1e-320", "800", "1e400", "-0.0", "1e-7", `"NaN"`, "NaN", "Infinity", `"1"`, "null1"} {
		requests = append(requests, body(`"epsilon": `+epsilon))
	}
	for _, delta := range []string{"0", "1", "-1", "1e-320", "2", "1e400"} {
		requests = append(requests, body(`"delta": `+delta))
	}
	for _, bounds := range []string{
		`{"max_partitions": 4294967296, "max_rows_per_partition": 4294967296}`, `{"max_partitions": 9223372036854775807}`, `{"max_partitions": 0}`,
		`{"max_partitions": -1}`, `{"max_rows_per_partition": 1e30}`, `{"x": [0, 1e308]}`, `{"x": [5, 1]}`, `{"x": [0]}`,
	} {
		requests = append(requests, body(`"bounds": `+bounds))
	}
	for _, sql := range []string{
		"SELECT QUANTILE_CONT(x, 2) AS n FROM cells", "SELECT QUANTILE_CONT(x, -1) AS n FROM cells", "SELECT QUANTILE_CONT(x, 1e400) AS n FROM cells",
		strings.Repeat("(", 200) + "SELECT 1" + strings.Repeat(")", 200), "SELECT " + strings.Repeat("1+", 20_000) + "1", "SELECT COUNT(*)\x00 FROM cells",
	} {
		requests = append(requests, s.query(wire.QueryRequest{SQL: sql}))
	}
	slowest := time.Duration(0)
	for _, r := range requests {
		took := time.Duration(math.MaxInt64)
		for try := 0; try < 10 && took > 100*time.Millisecond; try++ {
			began := time.Now()
			a := s.call(r)
			took = min(took, time.Since(began))
			if a.status < 400 || a.status >= 500 || !strings.Contains(string(a.body), "/problems/") {
				t.Errorf("%v: %d %s", r.body, a.status, a.body)
			}
		}
		if slowest = max(slowest, took); took > 100*time.Millisecond {
			t.Errorf("%v: refused after %s", r.body, took)
		}
	}
	if after := s.spentBy("t"); after != before {
		t.Errorf("refusals cost %d units", after-before)
	}
	verdict(t, "attack-10", len(requests), "0.1 s, free", fmt.Sprintf("%.3f s, free", slowest.Seconds()))
}

// spentBy reads what a tenant's account has spent, in units.
func (s *site) spentBy(tenant string) int64 {
	s.t.Helper()
	b, err := s.api(s.Budget[tenant]).TenantBudget(s.t.Context(), tenant)
	check(s.t, err)
	return units(b.Spent.Rho)
}

// TestAuditAttack09Charges asks the same of D, of D′ and of nothing at all:
// charges, prices and refusals are the same.
func TestAuditAttack09Charges(t *testing.T) {
	files := []string{cellsFile(1, 10), strings.Replace(cellsFile(1, 10), "\n100,1,10", "", 1), "person,cell,x\n"}
	var want []string
	questions := []string{
		"SELECT cell, COUNT(*) AS n FROM cells GROUP BY cell", "SELECT COUNT(*) AS n, AVG(x) AS m FROM cells WHERE cell < 100",
		"SELECT SUM(x) AS s FROM cells WHERE x > 10", "SELECT COUNT(DISTINCT person) AS p FROM cells", "SELECT MEDIAN(x) AS m FROM cells",
		"SELECT person FROM cells", "SELECT COUNT(*) FROM nothing",
	}
	for i, file := range files {
		s := build(t, cellsContract, map[string]string{"t": file})
		var got []string
		for _, sql := range questions {
			x, err := s.api(s.Analyst).Explain(t.Context(), wire.QueryRequest{SQL: sql})
			check(t, err)
			a := s.call(s.query(wire.QueryRequest{SQL: sql}))
			text := fmt.Sprint(a.status)
			if a.status != http.StatusOK {
				text += string(a.body)
			}
			got = append(got, fmt.Sprintf("%s %v %+v %d", text, x.Permitted, charged(x), s.spentBy("t")))
		}
		if i == 0 {
			want = got
		}
		for k := range got {
			if got[k] != want[k] {
				t.Errorf("data set %d, %s:\n got %s\nwant %s", i, questions[k], got[k], want[k])
			}
		}
	}
	verdict(t, "attack-09", len(files)*len(questions), "identical", "identical")
}

func charged(x wire.Explanation) string {
	var b strings.Builder
	for _, c := range x.Charges {
		fmt.Fprintf(&b, "%s %g %g %g;", c.Account, c.Rho, c.Epsilon, c.Delta)
	}
	return b.String()
}

// TestAuditAttack01Race has 200 clients race for a nearly spent budget through
// two server processes.
func TestAuditAttack01Race(t *testing.T) {
	rounds := times(6, 50)
	most := raceForBudget(t, rounds, 200)
	verdict(t, "attack-01", rounds*200*3, "no unit above the cap", fmt.Sprintf("%d units above", most))
}

// TestAuditAttack02Crash kills the server at random moments.
func TestAuditAttack02Crash(t *testing.T) {
	kills := times(40, 500)
	answers := killAtRandom(t, kills)
	verdict(t, "attack-02", kills, "every answer seen has its durable charge", fmt.Sprintf("%d answers, all charged", answers))
}
