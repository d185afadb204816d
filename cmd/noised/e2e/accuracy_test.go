package e2e

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/blackbox"
	"github.com/noised/noised/cmd/noised/internal/sample"
)

// repetitions is the number of answers per question.
const repetitions = 2000

// minStddev is the least noise, in steps, of any column here. Noise is an
// integer, so an interval covers with the stated 95 % or a little more: by at
// most 0.12/σ, i.e. one point at σ = 12.
const minStddev = 12

// tail bounds the probability of each single check to fail without a fault.
const tail = 1e-9

// column is one aggregate of a question and its exact bounded value.
type column struct {
	name, sql string
	truth     func(group) float64
}

// shape is one question, asked many times at slightly different ε, so that no
// stored release answers it.
type shape struct {
	name    string
	groupBy string
	keys    int
	key     func(sample.Rating) string
	epsilon float64
	delta   float64
	bounds  bounds
	columns []column
}

func all(sample.Rating) bool          { return true }
func hasVerdict(r sample.Rating) bool { return blackbox.Verdict(r) != nil }
func content(r sample.Rating) bool    { return r.Rating >= 4 }
func ratingLess3(r sample.Rating) int64 {
	return int64(r.Rating) - 3 // the midpoint of [1, 5]
}
func clampedVerdict(r sample.Rating) int64 { return int64(min(*blackbox.Verdict(r), 4)) }

// everyAggregate is the SELECT list of every question: sums that share their
// draw with an average and sums that do not, NULLs, values beyond their bounds,
// filters.
func everyAggregate() []column {
	return []column{
		{"n", "COUNT(*)", func(g group) float64 { return g.rows(all) }},
		{"answered", "COUNT(verdict)", func(g group) float64 { return g.rows(hasVerdict) }},
		{"students", "COUNT(DISTINCT student)", func(g group) float64 { return g.units(all) }},
		{"points", "SUM(rating)", func(g group) float64 { return g.sum(all, ratingLess3) + 3*g.rows(all) }},
		{"mean", "AVG(rating)", func(g group) float64 { return 3 + g.sum(all, ratingLess3)/g.rows(all) }},
		{"verdicts", "SUM(verdict)", func(g group) float64 { return g.sum(hasVerdict, clampedVerdict) }},
		{"content", "COUNT(*) FILTER (WHERE rating >= 4)", func(g group) float64 { return g.rows(content) }},
	}
}

func (s shape) sql() string {
	list := []string{s.groupBy}
	for _, c := range s.columns {
		list = append(list, c.sql+" AS "+c.name)
	}
	return fmt.Sprintf("SELECT %s FROM insteval GROUP BY %s", strings.Join(list, ", "), s.groupBy)
}

// request returns the question for the i-th time.
func (s shape) request(i int) wire.QueryRequest {
	return wire.QueryRequest{
		SQL: s.sql(), Epsilon: ptr(s.epsilon * (1 + 1e-9*float64(i))), Delta: &s.delta, Intervals: ptr(true),
		Bounds: &wire.QueryBounds{MaxPartitions: &s.bounds.partitions, MaxRowsPerPartition: &s.bounds.rows},
	}
}

// TestAnswersLieWithinTheirIntervals asks every aggregate 2,000 times by tenant,
// by two declared dimensions and by a secret key, and counts how often the
// interval holds the exact bounded value, which is computed here from the file.
//
// Per aggregate and question the rate must be within 93–97 %. Noise is
// independent between groups and repetitions, so at least 20,000 trials with a
// probability of 0.95 to 0.96 stand behind each rate; by Chernoff's bound it
// leaves that range with probability below e^−30. Nor may the rate be further
// from [0.95, 0.96] than happens with probability 1e-9, per aggregate and for
// each of its groups (2,000 trials); with some 1,100 such rates and two sides the
// whole test fails without a fault with probability below 3e-6.
func TestAnswersLieWithinTheirIntervals(t *testing.T) {
	rows := theSample(t)
	mostLecturers := int64(0)
	for _, n := range groupsPerStudent(rows, byLecturer) {
		mostLecturers = max(mostLecturers, n)
	}
	shapes := []shape{
		{
			name: "by tenant", groupBy: "tenant", keys: 1, key: sample.Rating.Tenant,
			epsilon: 4, delta: 1e-9, bounds: bounds{partitions: 14, rows: 3},
		},
		{
			name: "by two dimensions over all tenants", groupBy: "service, lectage", keys: 2,
			key:     func(r sample.Rating) string { return r.Service + "/" + r.LectAge },
			epsilon: 4, delta: 1e-9, bounds: bounds{partitions: 12, rows: 4},
		},
		{
			name: "by a secret key over all tenants", groupBy: "lecturer", keys: 1, key: byLecturer,
			epsilon: 12, delta: 1e-6, bounds: bounds{partitions: mostLecturers, rows: 2},
		},
	}
	s := newSite(t, "--request-rate", "1e6")
	s.budget(generous)
	for _, shape := range shapes {
		t.Run(shape.name, func(t *testing.T) {
			shape.columns = everyAggregate()
			truth := boundedTruth(rows, shape.key, shape.bounds)
			x := s.explain(shape.request(0))
			for _, c := range x.Columns {
				if c.Stddev != nil && *c.Stddev < minStddev {
					t.Fatalf("the noise of %s has σ = %g, too little for rates between 93 and 97 %%", c.Name, *c.Stddev)
				}
			}
			expected := expectedGroups(t, truth, x)
			checkRates(t, shape, expected, coverage(t, s, shape, truth, expected))
		})
	}
}

// expectedGroups lists the groups that every answer must have. Declared keys
// always appear. Secret ones appear when their noisy number of students reaches
// the threshold; only those are taken that miss it with probability below 1e-15
// a time, since among the others the chosen ones have lucky noise.
func expectedGroups(t *testing.T, truth map[string]group, x wire.Explanation) []string {
	t.Helper()
	least := 0.0
	if sel := x.PartitionSelection; sel != nil {
		for _, c := range x.Columns {
			if c.Name == "students" {
				least = sel.Threshold + 8**c.Stddev
			}
		}
	}
	var names []string
	for name, g := range truth {
		if g.units(all) >= least {
			names = append(names, name)
		}
	}
	if len(names) < 10 {
		t.Fatalf("only %d groups are large enough (threshold %g students): too few to pool", len(names), least)
	}
	return names
}

// rate counts intervals and those that hold the truth.
type rate struct{ held, total int }

func (r rate) share() float64 { return float64(r.held) / float64(r.total) }

// coverage asks the question repeatedly, from four clients at a time.
func coverage(t *testing.T, s *site, sh shape, truth map[string]group, expected []string) map[string]map[string]*rate {
	t.Helper()
	exact := map[string]map[string]float64{}
	rates := map[string]map[string]*rate{}
	for _, c := range sh.columns {
		exact[c.name], rates[c.name] = map[string]float64{}, map[string]*rate{}
		for _, g := range expected {
			exact[c.name][g], rates[c.name][g] = c.truth(truth[g]), &rate{}
		}
	}
	var mu sync.Mutex
	parallel(t, 4, repetitions, func(i int) {
		a := s.ask(sh.request(i))
		if a.header.Get(wire.HeaderCached) != "false" {
			t.Errorf("repetition %d is not fresh", i)
			return
		}
		got := readArrow(t, a.body)
		mu.Lock()
		defer mu.Unlock()
		for row, texts := range got.text {
			name := strings.Join(texts[:sh.keys], "/")
			for c, groups := range rates {
				r, ok := groups[name]
				if !ok {
					continue // a secret key near the threshold
				}
				r.total++
				n := got.number[row]
				if v := exact[c][name]; n[c+"_low"] <= v && v <= n[c+"_high"] {
					r.held++
				}
			}
		}
	})
	return rates
}

func checkRates(t *testing.T, sh shape, expected []string, rates map[string]map[string]*rate) {
	t.Helper()
	for _, c := range sh.columns {
		pooled := rate{}
		for _, g := range expected {
			r := *rates[c.name][g]
			pooled.held, pooled.total = pooled.held+r.held, pooled.total+r.total
			if r.total != repetitions {
				t.Errorf("%s of %s came in %d of %d answers", c.sql, g, r.total, repetitions)
				continue
			}
			if improbable(r, 0.95, 0.95+0.12/minStddev) {
				t.Errorf("%s of %s: %.2f %% of %d intervals hold the exact bounded value", c.sql, g, 100*r.share(), r.total)
			}
		}
		t.Logf("%-36s %.2f %% of %d intervals in %d groups", c.sql, 100*pooled.share(), pooled.total, len(expected))
		if share := pooled.share(); share < 0.93 || share > 0.97 {
			t.Errorf("%s: %.2f %% of %d intervals hold the exact bounded value, want 93–97 %%", c.sql, 100*share, pooled.total)
		}
		if improbable(pooled, 0.95, 0.95+0.12/minStddev) {
			t.Errorf("%s: %.2f %% of %d intervals hold the exact bounded value, and 95–96 %% should", c.sql, 100*pooled.share(), pooled.total)
		}
	}
}

// improbable reports whether a rate is further outside [lo, hi] than happens
// with probability tail, by Chernoff's bound exp(−n·KL(q‖p)).
func improbable(r rate, lo, hi float64) bool {
	q, n := r.share(), float64(r.total)
	p := max(lo, min(hi, q))
	if p == q {
		return false
	}
	kl := 0.0
	if q > 0 {
		kl += q * math.Log(q/p)
	}
	if q < 1 {
		kl += (1 - q) * math.Log((1-q)/(1-p))
	}
	return math.Exp(-n*kl) < tail
}

// parallel calls work(0) … work(n−1) from several goroutines and waits.
func parallel(t testing.TB, workers, n int, work func(i int)) {
	t.Helper()
	next := make(chan int)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := range next {
				work(i)
			}
		})
	}
	for i := range n {
		if t.Failed() {
			break
		}
		next <- i
	}
	close(next)
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
}
