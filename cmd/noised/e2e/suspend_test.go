package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/blackbox"
)

// heavy is a question that takes seconds over the rows of longSite: its sums are
// of expressions, and the filter keeps stored ranks from bounding it.
func heavy(n int) wire.QueryRequest {
	var columns []string
	for i := range 60 {
		columns = append(columns, fmt.Sprintf("SUM(minutes * %d + minutes * minutes) AS s%d", i+1, i))
	}
	return wire.QueryRequest{SQL: "SELECT " + strings.Join(columns, ", ") + " FROM work WHERE minutes > 0", Epsilon: ptr(1 + float64(n)/1000)}
}

const work = `
dataset: work
version: 1
privacy_unit: {column: person, scope: tenant}
contribution: {max_partitions: 1, max_rows_per_partition: 1}
columns:
  person:  {type: bigint, role: unit}
  minutes: {type: integer, role: measure, bounds: [0, 100]}
`

// longSite is two servers on one data directory with a tenant of many rows.
func longSite(t *testing.T, rows int, flags ...string) (*site, *blackbox.Server) {
	t.Helper()
	s := &site{t: t, dir: t.TempDir() + "/data"}
	operator, err := program.Init(t.Context(), s.dir)
	check(t, err)
	s.start(flags...)
	s.Parties, err = blackbox.SetUp(t.Context(), s.Server, operator, []byte(work), []string{"a"})
	check(t, err)
	check(t, s.SetBudget(t.Context(), s.Server, "a", generous, generous))
	var file strings.Builder
	file.WriteString("person,minutes\n")
	for i := range rows {
		fmt.Fprintf(&file, "%d,%d\n", i, i%100)
	}
	loader := s.api(s.Loader["a"])
	made, err := loader.Upload(t.Context(), wire.Upload{Dataset: "work", Tenant: "a", ContentType: wire.TypeCSV}, strings.NewReader(file.String()))
	check(t, err)
	done, err := loader.Wait(t.Context(), made.ID, nil)
	check(t, err)
	if done.State != wire.LoadStateSucceeded {
		t.Fatalf("the load %s", done.State)
	}
	return s, s.another(flags...)
}

// TestASuspensionEndsALongQuestion: a question runs in one process, and the
// suspension comes to another. What is logged is from the answer of the call that
// suspends to that of the question.
func TestASuspensionEndsALongQuestion(t *testing.T) {
	s, other := longSite(t, 1_000_000)
	operator, err := other.API(s.Operator)
	check(t, err)
	analyst, err := s.API(s.Analyst)
	check(t, err)
	released := func() int {
		l, err := analyst.Releases(t.Context(), "", 500)
		check(t, err)
		return len(l.Items)
	}
	charged := func() int {
		c, err := s.api(s.Budget["a"]).Charges(t.Context(), "a", "", 500)
		check(t, err)
		return len(c.Items)
	}
	kinds := [][2]string{{"dataset", "work"}, {"tenant", "a"}, {"everything", "all"}}
	var took []time.Duration
	for i := range times(6, 20) {
		before := charged()
		type end struct {
			answer
			at time.Time
		}
		ended := make(chan end, 1)
		go func() {
			a, _ := try(t, s.Server, s.query(heavy(i)))
			ended <- end{a, time.Now()}
		}()
		eventually(t, func() (bool, bool) { return true, charged() > before }) // then it runs
		kind := kinds[i%len(kinds)]
		_, err := operator.Suspend(t.Context(), kind[0], kind[1], "a test")
		check(t, err)
		said := time.Now()
		e := <-ended
		took = append(took, max(e.at.Sub(said), 0))
		if e.status != http.StatusForbidden || !strings.Contains(string(e.body), "/problems/suspended") {
			t.Errorf("%v: the question ended with %d %.300s", kind, e.status, e.body)
		}
		check(t, operator.Lift(t.Context(), kind[0], kind[1]))
		if n := released(); n != 0 {
			t.Fatalf("%v: %d releases", kind, n)
		}
	}
	slices.Sort(took)
	t.Logf("suspend_ms: median %d, max %d of %d", took[len(took)/2].Milliseconds(), took[len(took)-1].Milliseconds(), len(took))
	if took[len(took)-1] > patience {
		t.Errorf("a question went on for %s", took[len(took)-1])
	}
}
