package query_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger"
)

func TestChargeIsDurableBeforeRowsAreRead(t *testing.T) {
	h := newHouse(t)
	accounts := []privacy.Account{privacy.TenantAccount("north"), privacy.TenantAccount("south"), privacy.DatasetAccount("visits")}
	h.engine.before = func(engine.Input) error {
		for _, a := range accounts {
			if h.spent(a) == 0 {
				return fmt.Errorf("%s had not been charged", a)
			}
		}
		return nil
	}
	if a := h.mustAsk(byWard); a.Cached || a.Table.Rows() != 2 || a.Release.Epsilon != 0.5 {
		t.Errorf("answer = %+v", a.Release)
	}
}

func TestOnlyAnalystsQuery(t *testing.T) {
	h := newHouse(t)
	for _, role := range privacy.Roles() {
		if role == privacy.RoleAnalyst {
			continue
		}
		p := privacy.Principal{ID: "key_other", Role: role, Tenant: "north"}
		if _, err := h.Query(t.Context(), p, question.Request{SQL: byWard}); privacy.CodeOf(err) != privacy.CodeForbidden {
			t.Errorf("%s querying: %v, want forbidden", role, err)
		}
		if _, err := h.Explain(t.Context(), p, question.Request{SQL: byWard}); privacy.CodeOf(err) != privacy.CodeForbidden {
			t.Errorf("%s explaining: %v, want forbidden", role, err)
		}
	}
	if h.engine.ran() != 0 || h.spent(privacy.DatasetAccount("visits")) != 0 {
		t.Error("a refused role reached the engine or the ledger")
	}
}

func TestSameCoreIsFree(t *testing.T) {
	h := newHouse(t)
	first := h.mustAsk(byWard)
	paid := h.spent(privacy.DatasetAccount("visits"))
	same := []string{
		byWard,
		"select  WARD, count(*) as n from visits group by 1",
		byWard + " ", // white space
	}
	for _, sql := range same {
		again := h.mustAsk(sql)
		if !again.Cached || again.Release.ID != first.Release.ID {
			t.Errorf("%q: release %s cached %t, want %s from the store", sql, again.Release.ID, again.Cached, first.Release.ID)
		}
	}
	if !bytes.Equal(arrowOf(t, first), arrowOf(t, h.mustAsk(byWard))) {
		t.Error("the repeated answer has other bytes")
	}
	view := h.mustAsk("SELECT ward AS w, COUNT(*) * 2 AS twice FROM visits GROUP BY ward HAVING COUNT(*) > 0 ORDER BY 2 DESC LIMIT 1")
	if !view.Cached || view.Table.Rows() != 1 || view.Table.Columns[1].Name != "twice" {
		t.Errorf("another view of the same core was not served from the store: %+v", view.Release)
	}
	if h.engine.ran() != 1 || h.spent(privacy.DatasetAccount("visits")) != paid {
		t.Errorf("%d runs, %d spent, want 1 and %d", h.engine.ran(), h.spent(privacy.DatasetAccount("visits")), paid)
	}
	other := h.mustAsk(byWard, func(r *question.Request) { e := 0.25; r.Epsilon = &e })
	if other.Cached || h.spent(privacy.DatasetAccount("visits")) == paid {
		t.Error("another ε was served from the store")
	}
}

func TestNewDataMakesANewRelease(t *testing.T) {
	h := newHouse(t)
	first := h.mustAsk(byWard)
	h.publish("gen_1")
	if a := h.mustAsk(byWard); a.Cached || a.Release.ID == first.Release.ID {
		t.Error("a new generation was answered from the old release")
	}
}

func TestExhaustedBudget(t *testing.T) {
	h := newHouse(t)
	if _, err := h.catalog.CreateTenant(t.Context(), "poor", "", operator); err != nil {
		t.Fatal(err)
	}
	h.must(h.catalog.Accept(t.Context(), "visits", "poor", 1, operator))
	_, err := h.ask(byWard)
	var why *ledger.Exhausted
	if privacy.CodeOf(err) != privacy.CodeBudgetExhausted || !errors.As(err, &why) || !slices.Contains(why.Accounts, privacy.TenantAccount("poor")) {
		t.Fatalf("a tenant without a budget: %v", err)
	}
	if h.spent(privacy.TenantAccount("north")) != 0 || h.engine.ran() != 0 {
		t.Error("a refused query was charged or run")
	}
	a := h.mustAsk("SELECT tenant, COUNT(*) AS n FROM visits GROUP BY tenant", func(r *question.Request) { r.OnExhausted = question.OnExhaustedExclude })
	if a.Table.Rows() != 2 || a.Table.Get("noised.tenants") != `["north","south"]` {
		t.Errorf("excluding: %d rows of %s", a.Table.Rows(), a.Table.Get("noised.tenants"))
	}
}

// A table of a dataset is not a dataset: a question about one learns where it is.
func TestATableWithoutItsDatasetIsFound(t *testing.T) {
	h := newHouse(t)
	for _, dataset := range []string{"shop", "stock"} {
		h.put(`
dataset: ` + dataset + `
version: 1
privacy_unit: {column: customer.id, scope: tenant}
contribution: {max_rows: 3}
tables:
  customer: {columns: {id: {type: bigint, role: unit}}}
  ` + dataset + `_log: {unit: {via: "who -> customer.id"}, columns: {who: {type: bigint, role: key}}}
`)
	}
	for from, want := range map[string]string{
		"customer":      "write FROM shop.customer, or FROM stock.customer",
		"shop_log":      "write FROM shop.shop_log",
		"SHOP_LOG AS l": "write FROM shop.shop_log",
		"shp.shop_log":  "write FROM shop.shop_log",
		"orders":        "",
		"shp.visits":    "",
	} {
		_, err := h.ask("SELECT COUNT(*) FROM " + from)
		if e := privacy.AsError(err); e.Code != privacy.CodeUnknownDataset || e.Suggestion != want || e.Position != 22 {
			t.Errorf("FROM %s: %v at %d, suggestion %q, want %q", from, err, e.Position, e.Suggestion, want)
		}
	}
}

func TestSecretKeysBelowTheThresholdStaySecret(t *testing.T) {
	h := newHouse(t)
	const byDoctor = "SELECT doctor, COUNT(DISTINCT person) AS n FROM visits GROUP BY doctor"
	h.engine.count = 1
	if a := h.mustAsk(byDoctor); a.Table.Rows() != 0 {
		t.Error("a group of one person was shown")
	}
	h.engine.count = 1_000_000
	if a := h.mustAsk(byDoctor, func(r *question.Request) { e := 0.4; r.Epsilon = &e }); a.Table.Rows() != 1 || a.Table.Columns[0].Mechanism != "partition_selection" {
		t.Errorf("a large group was not shown: %d rows", a.Table.Rows())
	}
}

// TestReadersShareNumbersOnly: a second analyst gets the same noised numbers
// for free, and sees nothing of what the first one wrote.
func TestReadersShareNumbersOnly(t *testing.T) {
	h := newHouse(t)
	const strict = "SELECT ward AS secret_alias, COUNT(*) AS n FROM visits GROUP BY ward HAVING COUNT(*) < 0"
	first := h.mustAsk(strict)
	back, err := h.Release(t.Context(), analyst, first.Release.ID)
	h.must(err)
	if !bytes.Equal(arrowOf(t, first), arrowOf(t, back)) {
		t.Error("reading again gives other bytes")
	}
	if _, err := h.Release(t.Context(), other, first.Release.ID); privacy.CodeOf(err) != privacy.CodeNotFound {
		t.Errorf("another analyst read it before asking: %v", err)
	}
	for range 2 {
		served, err := h.Query(t.Context(), other, question.Request{SQL: byWard})
		h.must(err)
		if !served.Cached || served.Release.ID != first.Release.ID || served.Table.Rows() != 2 {
			t.Errorf("the second analyst was served %+v with %d rows", served.Release, served.Table.Rows())
		}
	}
	back, err = h.Release(t.Context(), other, first.Release.ID)
	h.must(err)
	if back.Release.SQL != byWard || back.Table.Rows() != 2 {
		t.Errorf("the second analyst reads %q with %d rows, want its own view", back.Release.SQL, back.Table.Rows())
	}
	items, _, err := h.Releases(t.Context(), other, "", 10)
	if err != nil || len(items) != 1 || items[0].SQL != byWard || items[0].CachedHits != 2 {
		t.Errorf("the second analyst's list = %+v, %v", items, err)
	}
	items, _, err = h.Releases(t.Context(), analyst, "", 10)
	if err != nil || len(items) != 1 || items[0].SQL != strict || items[0].CachedHits != 0 {
		t.Errorf("the first analyst's list = %+v, %v", items, err)
	}
}

// TestCapPerPrincipalCoversStoredReleases: what a principal may learn of a
// tenant is capped, whoever asked first.
func TestCapPerPrincipalCoversStoredReleases(t *testing.T) {
	h := newHouse(t)
	h.mustAsk(byWard)
	own := privacy.TenantPrincipalAccount("north", other.ID)
	h.budget(own, 0.45)
	paid := h.spent(privacy.TenantAccount("north"))
	for range 2 {
		if _, err := h.Query(t.Context(), other, question.Request{SQL: byWard}); err != nil {
			t.Fatal(err)
		}
	}
	if got := h.spent(own); got != paid {
		t.Errorf("seeing a stored release twice cost the principal's account %d, want %d once", got, paid)
	}
	if got := h.spent(privacy.TenantAccount("north")); got != paid {
		t.Errorf("the tenant paid again: %d, want %d", got, paid)
	}
	const next = "SELECT COUNT(*) AS n FROM visits"
	h.mustAsk(next)
	answer, err := h.Query(t.Context(), other, question.Request{SQL: next})
	if privacy.CodeOf(err) != privacy.CodeBudgetExhausted || answer != nil {
		t.Errorf("a principal whose cap is spent was served a stored release: %v", err)
	}
	if _, err := h.Release(t.Context(), other, "rel_any"); privacy.CodeOf(err) != privacy.CodeNotFound {
		t.Errorf("reading an unknown release: %v", err)
	}
	if items, _, err := h.Releases(t.Context(), other, "", 10); err != nil || len(items) != 1 {
		t.Errorf("a refused principal became a reader: %+v, %v", items, err)
	}
}

func TestExplainIsFree(t *testing.T) {
	h := newHouse(t)
	x, err := h.Explain(t.Context(), analyst, question.Request{SQL: "SELECT doctor, COUNT(*) AS n, AVG(days) AS d FROM visits GROUP BY doctor"})
	h.must(err)
	if !x.Permitted || len(x.Charges) != 3 || len(x.Columns) != 3 || x.PartitionSelection == nil || x.Columns[2].ByCount["100"] == nil {
		t.Errorf("explanation = %+v", x)
	}
	if h.spent(privacy.DatasetAccount("visits")) != 0 || h.engine.ran() != 0 {
		t.Error("explain charged or ran")
	}
	a := h.mustAsk("SELECT doctor, COUNT(*) AS n, AVG(days) AS d FROM visits GROUP BY doctor")
	if got, want := fmt.Sprint(x.Charges[0].Rho), a.Table.Get("noised.rho"); got != want {
		t.Errorf("explained ρ %s, charged %s", got, want)
	}
}

func TestParametersAreRefusedForFree(t *testing.T) {
	h := newHouse(t)
	f := func(x float64) *float64 { return &x }
	n := func(x int64) *int64 { return &x }
	tests := map[string]func(*question.Request){
		"epsilon 0":           func(r *question.Request) { r.Epsilon = f(0) },
		"epsilon -1":          func(r *question.Request) { r.Epsilon = f(-1) },
		"epsilon 1e-320":      func(r *question.Request) { r.Epsilon = f(1e-320) },
		"epsilon 800":         func(r *question.Request) { r.Epsilon = f(800) },
		"delta 0":             func(r *question.Request) { r.Delta = f(0) },
		"delta 1":             func(r *question.Request) { r.Delta = f(1) },
		"delta -1":            func(r *question.Request) { r.Delta = f(-1) },
		"partitions 0":        func(r *question.Request) { r.MaxPartitions = n(0) },
		"partitions too many": func(r *question.Request) { r.MaxPartitions = n(3) },
		"rows overflow":       func(r *question.Request) { r.MaxRowsPerPartition = n(1 << 62) },
		"bounds reversed":     func(r *question.Request) { r.Columns = map[string][2]float64{"days": {5, 1}} },
	}
	for name, change := range tests {
		if _, err := h.ask("SELECT ward, SUM(days) AS s FROM visits GROUP BY ward", change); privacy.CodeOf(err) != privacy.CodePrivacyParameters {
			t.Errorf("%s: %v, want privacy-parameters", name, err)
		}
	}
	if h.spent(privacy.DatasetAccount("visits")) != 0 || h.engine.ran() != 0 {
		t.Error("a refused parameter was charged or run")
	}
}

// TestNothingPrivateIsLogged looks for the canary that the engine's failure
// carries.
func TestNothingPrivateIsLogged(t *testing.T) {
	h := newHouse(t)
	h.engine.before = func(engine.Input) error { return errors.New("canary-93b1") }
	_, _ = h.ask("SELECT COUNT(*) AS n FROM visits WHERE doctor = 'canary-77aa'")
	h.must(h.Recover(t.Context()))
	for _, canary := range []string{"canary-93b1", "canary-77aa"} {
		if bytes.Contains(h.log.Bytes(), []byte(canary)) {
			t.Errorf("the log holds %s: %s", canary, h.log)
		}
	}
}
