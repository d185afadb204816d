package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"text/template"

	"github.com/noised/noised/analytics/contractparse"
	"github.com/noised/noised/analytics/planner"
	"github.com/noised/noised/analytics/reduce"
	"github.com/noised/noised/analytics/sqlparse"
	"github.com/noised/noised/privacy"
)

// TestTPCHIsPermitted plans the queries under the benchmark's contract: what is
// measured is the queries, not their refusal.
func TestTPCHIsPermitted(t *testing.T) {
	text, err := os.ReadFile("internal/data/tpch.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var doc strings.Builder
	if err := template.Must(template.New("").Parse(string(text))).Execute(&doc, map[string]any{"MaxRows": 120, "Nations": "CHINA, INDIA"}); err != nil {
		t.Fatal(err)
	}
	c, err := contractparse.Parse([]byte(doc.String()))
	if err != nil {
		t.Fatal(err)
	}
	parser, err := sqlparse.New()
	if err != nil {
		t.Fatal(err)
	}
	defer parser.Close()
	for _, q := range tpch {
		sel, err := parser.Parse(context.Background(), inDataset(q.sql, "tpch."))
		if err != nil {
			t.Fatalf("Q%d: %v", q.number, err)
		}
		if sel, err = reduce.Reduce(sel, planner.Columns(c)); err != nil {
			t.Fatalf("Q%d: %v", q.number, err)
		}
		priced, err := planner.Plan(sel, planner.Dataset{Contract: c, Members: []string{"alone"}}, planner.Request{Loss: privacy.Loss{Epsilon: 1, Delta: 1e-9}})
		if err != nil {
			t.Errorf("Q%d is refused: %v", q.number, err)
			continue
		}
		if priced.Plan.Limits.MaxRows != 120 {
			t.Errorf("Q%d is bounded by %+v, not by the contract's rows", q.number, priced.Plan.Limits)
		}
	}
}
