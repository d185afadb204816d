package query_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/privacy"
)

const wards = `
dataset: wards
version: 1
privacy_unit: {column: person, scope: person}
tenant_dimension: public
contribution: {max_partitions: 2, max_rows_per_partition: 3}
columns:
  person: {type: bigint, role: unit}
  ward:   {type: integer, role: dimension, domain: {range: [1, 1000000]}}
  doctor: {type: varchar, role: dimension, domain: private}
budget_defaults: {epsilon_per_query: 0.5, delta_per_query: 1e-9}
`

// crowded is an engine that is done at once: every declared group, or 100,000
// secret ones, has many rows.
type crowded struct{}

func (crowded) Run(_ context.Context, in engine.Input) (*engine.Partials, error) {
	out := &engine.Partials{}
	if in.Plan.Secret() {
		for i := range 100_000 {
			out.Keys = append(out.Keys, []plan.Value{plan.StringValue(fmt.Sprintf("doctor %d", i*77_777%100_000))})
		}
	} else {
		out.Keys = in.Plan.DeclaredKeys()
	}
	for range in.Plan.Draws {
		out.Draws = append(out.Draws, make([]privacy.Int128, len(out.Keys)))
		for g := range out.Keys {
			out.Draws[len(out.Draws)-1][g] = privacy.Int128From(1000)
		}
	}
	return out, nil
}

func (crowded) Permits(context.Context, engine.Input) error { return nil }

// BenchmarkManyGroups answers a question of very many groups, all but the
// engine's part, and writes the answer.
func BenchmarkManyGroups(b *testing.B) {
	for name, sql := range map[string]string{
		"declared": "SELECT ward, COUNT(*) FROM wards GROUP BY ward",
		"secret":   "SELECT doctor, COUNT(*) FROM wards GROUP BY doctor",
		"ordered":  "SELECT ward, COUNT(*) AS n FROM wards GROUP BY ward HAVING COUNT(*) > 0 ORDER BY n DESC LIMIT 10",
	} {
		b.Run(name, func(b *testing.B) {
			h := newHouseOf(b, wards, crowded{}, 1e4, time.Minute)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n++
				epsilon := 1 + 1e-3*float64(n) // another release each time
				a, err := h.ask(sql, func(r *question.Request) { r.Epsilon = &epsilon })
				h.must(err)
				var out bytes.Buffer
				h.must(a.Table.WriteArrow(&out, false))
			}
		})
	}
}

// BenchmarkManyGroupsExplained does not depend on how many groups there are.
func BenchmarkManyGroupsExplained(b *testing.B) {
	h := newHouseOf(b, wards, crowded{}, 10, time.Minute)
	b.ReportAllocs()
	for b.Loop() {
		_, err := h.Explain(b.Context(), analyst, question.Request{SQL: "SELECT ward, COUNT(*) FROM wards GROUP BY ward"})
		h.must(err)
	}
}
