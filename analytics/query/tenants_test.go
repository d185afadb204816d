package query_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/privacy"
)

const branches = `
dataset: branches
version: 1
privacy_unit: {column: person, scope: tenant}
tenant_dimension: public
contribution: {max_partitions: 2, max_rows_per_partition: 3}
columns:
  person: {type: bigint, role: unit}
  ward:   {type: varchar, role: dimension, domain: {values: ["a", "b"]}}
budget_defaults: {epsilon_per_query: 0.5, delta_per_query: 1e-9}
`

// manyTenants is a house in which a thousand tenants have published, and the
// names of all of them.
func manyTenants(b *testing.B) (*house, []string) {
	b.Helper()
	h := newHouseOf(b, branches, &scripted{count: 1000}, 1e4, time.Minute)
	var names []string
	for i := range 1000 {
		name := fmt.Sprintf("branch_%d", i)
		_, err := h.catalog.CreateTenant(b.Context(), name, "", operator)
		h.must(err)
		h.must(h.catalog.Accept(b.Context(), "branches", name, 1, operator))
		h.budget(privacy.TenantAccount(name), 1e4)
		h.publishFor(name, fmt.Sprintf("gen_%d", i), "")
		names = append(names, name)
	}
	return h, names
}

// publishFor gives a tenant of branches a generation of one segment.
func (h *house) publishFor(tenant, generation, before string) {
	h.t.Helper()
	h.must(h.db.InTx(h.t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		return h.catalog.Publish(ctx, tx, catalog.Generation{
			ID: generation, Dataset: "branches", Tenant: tenant, Version: 1, FormatVersion: 1, Load: "load", At: time.Now(),
			Segments: []catalog.Segment{{
				ID: "seg_" + generation, Path: "tenants/" + tenant + "/" + generation, Rows: 20_000, Bytes: 1 << 20,
				SHA256: fmt.Sprintf("%064d", 1), Ranks: [][]string{{"ward"}},
			}},
		}, before)
	}))
}

// BenchmarkManyTenants asks a thousand tenants, and three of them, all but the
// engine's part. Each question is a new release, unless it says again.
func BenchmarkManyTenants(b *testing.B) {
	const sql = "SELECT ward, COUNT(*) FROM branches GROUP BY ward"
	h, names := manyTenants(b)
	n := 0
	fresh := func(r *question.Request) { n++; e := 1 + 1e-6*float64(n); r.Epsilon = &e }
	named := func(some []string) func(*question.Request) {
		return func(r *question.Request) { fresh(r); r.Tenants = some }
	}
	loaded := 0
	for _, c := range []struct {
		name   string
		before func()
		change func(*question.Request)
	}{
		{"all", func() {}, fresh},
		{"all by name", func() {}, named(names)},
		{"three", func() {}, named(names[:3])},
		{"again", func() {}, func(*question.Request) {}},
		{"all after a load", func() {
			loaded++
			before := fmt.Sprintf("gen_x%d", loaded-1)
			if loaded == 1 {
				before = "gen_7"
			}
			h.publishFor("branch_7", fmt.Sprintf("gen_x%d", loaded), before)
		}, fresh},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.before()
				h.mustAsk(sql, c.change)
			}
		})
	}
	b.Run("explain", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, err := h.Explain(b.Context(), analyst, question.Request{SQL: sql})
			h.must(err)
		}
	})
}
