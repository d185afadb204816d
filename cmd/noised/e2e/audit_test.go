//go:build audit

package e2e

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/blackbox"
)

// The audit tests attack the built program as a hostile analyst or tenant
// would. D and D′ always differ by one privacy unit.

// auditAlpha is the probability with which a test of the battery fails although
// the guarantee holds, all its comparisons together.
const auditAlpha = 1e-6

// verdict reports what a test of the battery held, in samples, against which
// bound, and what it saw. The verdict itself is whether the test passes.
func verdict(t *testing.T, name string, samples int, bound, seen any) {
	t.Helper()
	t.Attr("audit", name)
	t.Attr("samples", strconv.Itoa(samples))
	t.Attr("bound", figure(bound))
	t.Attr("seen", figure(seen))
}

func figure(v any) string {
	if f, ok := v.(float64); ok {
		return strconv.FormatFloat(f, 'g', 6, 64)
	}
	return strings.ReplaceAll(fmt.Sprint(v), "\n", " ")
}

// build starts a server whose one dataset holds the given CSV files, by tenant,
// with budgets that no test spends.
func build(t *testing.T, contract string, files map[string]string, flags ...string) *site {
	t.Helper()
	s := &site{t: t, dir: filepath.Join(t.TempDir(), "data")}
	operator, err := program.Init(t.Context(), s.dir)
	check(t, err)
	s.start(append([]string{"--request-rate", "1000000", "--request-burst", "1000000"}, flags...)...)
	tenants := []string{}
	for tenant := range files {
		tenants = append(tenants, tenant)
	}
	slices.Sort(tenants)
	s.Parties, err = blackbox.SetUp(t.Context(), s.Server, operator, []byte(contract), tenants)
	check(t, err)
	s.budget(generous)
	s.loadCSV(files)
	return s
}

// loadCSV loads files, by tenant, and waits for them.
func (s *site) loadCSV(files map[string]string) {
	s.t.Helper()
	for tenant, text := range files {
		s.sendFile(tenant, wire.TypeCSV, text, "")
	}
}

// sendFile loads one file and waits for it; query is appended to the path.
func (s *site) sendFile(tenant, contentType, body, query string) wire.Load {
	s.t.Helper()
	load, err := s.trySend(s.t.Context(), tenant, contentType, body, query)
	check(s.t, err)
	if load.State != wire.LoadStateSucceeded {
		s.t.Fatalf("the load of %s %s: %s", tenant, load.State, *load.Error.Detail)
	}
	return load
}

func (s *site) trySend(ctx context.Context, tenant, contentType, body, query string) (wire.Load, error) {
	s.t.Helper()
	a := s.call(request{key: s.Loader[tenant], method: "POST", path: "/v1/datasets/" + s.Dataset + "/loads" + query,
		header: map[string]string{"Content-Type": contentType}, body: body})
	if a.status != 202 {
		s.t.Fatalf("the upload of %s: %d %s", tenant, a.status, a.body)
	}
	location := a.header.Get("Location")
	return s.api(s.Loader[tenant]).Wait(ctx, location[strings.LastIndexByte(location, '/')+1:], nil)
}

// mu returns the Gaussian-DP parameter that a query is charged, from its price.
func (s *site) mu(q wire.QueryRequest) float64 {
	s.t.Helper()
	x := s.explain(q)
	return math.Sqrt(2 * x.Charges[0].Rho)
}

// column asks a question n times, at ε that differ too little to matter but
// enough to be another release, and returns a column's values of all answers.
func (s *site) column(q wire.QueryRequest, name string, n int) []float64 {
	s.t.Helper()
	out := make([][]float64, n)
	parallel(s.t, 4, n, func(i int) {
		mine := q
		mine.Epsilon = ptr(*q.Epsilon * (1 - 1e-10*float64(i+1)))
		for _, row := range readArrow(s.t, s.ask(mine).body).number {
			out[i] = append(out[i], row[name])
		}
	})
	return slices.Concat(out...)
}
