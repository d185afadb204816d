package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/noised/noised/api/wire"
)

// segmentsOf lists a tenant's data files.
func (s *site) segmentsOf(tenant string) []string {
	s.t.Helper()
	files, err := filepath.Glob(filepath.Join(s.dir, "tenants", tenant, "insteval", "*.duckdb"))
	check(s.t, err)
	if len(files) == 0 {
		s.t.Fatalf("%s has no data file", tenant)
	}
	return files
}

// brokenSegment breaks a data file on disk and asks for it. The answer is an
// internal error that says nothing but an id; the charge is there once, however
// often the question is asked, and is redeemed by the same question once the
// file is back.
func brokenSegment(t testing.TB) wire.Problem {
	t.Helper()
	s := newSite(t)
	s.budget(wire.Loss{Epsilon: 10, Delta: 1e-6})
	file := s.segmentsOf("dept_7")[0]
	check(t, os.Rename(file, file+".away"))
	check(t, os.WriteFile(file, []byte(strings.Repeat("canary-5f1e ", 1000)), 0o400))

	q := wire.QueryRequest{SQL: "SELECT tenant, COUNT(*) AS n FROM insteval GROUP BY tenant"}
	price := s.explain(q).Charges[0].Rho
	var problem wire.Problem
	for range 3 {
		a := s.call(s.query(q))
		problem = s.refusal(a)
		if strings.Contains(string(a.body), "canary") || strings.Contains(string(a.body), "dept_7") || problem.Instance == nil {
			t.Errorf("an internal error says %s, want an id and nothing more", a.body)
		}
		s.wantSpent(price, "pending")
	}
	check(t, os.Remove(file))
	check(t, os.Rename(file+".away", file))
	a := s.ask(q)
	s.wantSpent(price, "released")
	again := s.ask(q)
	if got, want := again.header.Get(wire.HeaderRelease), a.header.Get(wire.HeaderRelease); got != want || again.header.Get(wire.HeaderCached) != "true" {
		t.Errorf("asking again gives %s, want %s from the store", got, want)
	}
	s.wantSpent(price, "released")
	return problem
}

// wantSpent checks that every account has paid for exactly one query of the
// given price, whose charge is in the given state.
func (s *site) wantSpent(rho float64, state wire.ChargeState) {
	s.t.Helper()
	for _, t := range s.Tenants {
		api := s.api(s.Budget[t])
		b, err := api.TenantBudget(s.t.Context(), t)
		check(s.t, err)
		list, err := api.Charges(s.t.Context(), t, "", 0)
		check(s.t, err)
		if b.Spent.Rho != rho || len(list.Items) != 1 || list.Items[0].State != state {
			s.t.Fatalf("%s spent ρ = %g by %+v, want %g by one charge that is %s", t, b.Spent.Rho, list.Items, rho, state)
		}
	}
	b, err := s.api(s.Operator).DatasetBudget(s.t.Context(), s.Dataset)
	check(s.t, err)
	if b.Spent.Rho != rho {
		s.t.Fatalf("the dataset spent ρ = %g, want %g", b.Spent.Rho, rho)
	}
}

// TestExhaustedBudgetSaysWhenItReopens: a refusal for lack of budget tells an
// analyst when to come back, and not whose budget it was; EXPLAIN says the same.
func TestExhaustedBudgetSaysWhenItReopens(t *testing.T) {
	s := newSite(t)
	s.budget(wire.Loss{Epsilon: 10, Delta: 1e-6})
	a := s.call(request{key: s.Budget["dept_9"], method: http.MethodPut, path: "/v1/admin/tenants/dept_9/budget",
		body: wire.TenantBudgetRequest{Epsilon: 1.1, Delta: 1e-6, Window: ptr(wire.Day)}})
	if a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	s.ask(wire.QueryRequest{SQL: "SELECT COUNT(*) AS n FROM insteval", Epsilon: ptr(1.0)})
	q := wire.QueryRequest{SQL: "SELECT COUNT(*) AS n FROM insteval", Epsilon: ptr(1.05)}
	p := asked(q).do(s)
	if p.Type != "/problems/budget-exhausted" || !strings.Contains(*p.Detail, "reopens") || strings.Contains(*p.Detail, "dept_9") {
		t.Errorf("%s: %s", p.Type, *p.Detail)
	}
	s.wantRetryAfter(s.call(s.query(q)))

	q.OnExhausted = ptr(wire.OnExhaustedExclude)
	meta := readArrow(t, s.ask(q).body).schema.Metadata()
	var tenants []string
	check(t, json.Unmarshal([]byte(meta.Values()[meta.FindKey("noised.tenants")]), &tenants))
	if len(tenants) != len(s.Tenants)-1 || slices.Contains(tenants, "dept_9") {
		t.Errorf("excluding the exhausted tenant leaves %v", tenants)
	}
}
