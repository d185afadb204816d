package effect

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/contractparse"
	"github.com/noised/noised/analytics/planner"
	"github.com/noised/noised/analytics/pricing"
	"github.com/noised/noised/analytics/reduce"
	"github.com/noised/noised/analytics/sqlparse"
	"github.com/noised/noised/privacy"
)

// knobs are the fields of a contract, with what each may say.
var knobs = []struct {
	line string
	says []string
}{
	{"privacy_unit: {column: person, scope: %s}\n", []string{"tenant", "person"}},
	{"%s", []string{"", "tenant_dimension: public\n"}},
	{"contribution: {%s}\n", []string{
		"max_rows: 1", "max_rows: 2", "max_rows: 4", "max_partitions: 1, max_rows_per_partition: 1", "max_partitions: 2, max_rows_per_partition: 1",
		"max_partitions: 2, max_rows_per_partition: 3", "max_partitions: 4, max_rows_per_partition: 3", "max_partitions: 4, max_rows_per_partition: 3, max_l2: 3",
		"max_partitions: 4, max_rows_per_partition: 3, max_l2: 5", "max_partitions: 2, max_rows_per_partition: 3, max_l2: 4",
	}},
	{"columns:\n  person: {type: bigint, role: unit}\n%s", []string{"", "  city: {type: varchar, role: dimension}\n",
		"  city: {type: varchar, role: dimension, domain: {values: [x]}}\n", "  city: {type: varchar, role: dimension, domain: {values: [x, \"y\", z]}}\n"}},
	{"%s", []string{"", "  paid: {type: boolean, role: dimension, domain: {values: [true]}}\n", "  paid: {type: boolean, role: dimension, domain: {values: [true, false]}}\n"}},
	{"%s", []string{
		"", "  items: {type: integer, role: measure, bounds: [0, 9]}\n", "  items: {type: integer, role: measure, bounds: [1, 9]}\n",
		"  items: {type: integer, role: measure, bounds: [-3, 60]}\n", "  items: {type: integer, role: measure, bounds: [0, 60], resolution: 2}\n",
		"  items: {type: integer, role: measure, bounds: [0, 60]}\n", "  items: {type: integer, role: measure, bounds: [0, 5000]}\n", "  items: {type: bigint, role: measure, bounds: [0, 60]}\n",
	}},
	{"budget_defaults: {epsilon_per_query: %s,", []string{"0.1", "0.5", "1"}},
	{" delta_per_query: %s}\n", []string{"1e-9", "1e-8"}},
	{"%s", []string{"", "analysts: []\n", "analysts: [lab]\n", "analysts: [lab, acme]\n"}},
}

// drawPair draws a contract, and another that differs from it in up to four
// fields.
func drawPair(t *rapid.T) (was, next string) {
	was, next = "dataset: shop\nversion: 1\n", "dataset: shop\nversion: 1\n"
	changed := rapid.SliceOfNDistinct(rapid.IntRange(0, len(knobs)-1), 0, 4, rapid.ID[int]).Draw(t, "changed")
	for i, k := range knobs {
		said := rapid.SampledFrom(k.says).Draw(t, "old")
		was += fmt.Sprintf(k.line, said)
		if slices.Contains(changed, i) {
			said = rapid.SampledFrom(k.says).Draw(t, "new")
		}
		next += fmt.Sprintf(k.line, said)
	}
	return was, next
}

var questions = []string{
	"SELECT COUNT(*) FROM shop",
	"SELECT city, COUNT(*) FROM shop GROUP BY city",
	"SELECT city, COUNT(DISTINCT person) FROM shop GROUP BY city",
	"SELECT tenant, COUNT(*) FROM shop GROUP BY tenant",
	"SELECT paid, SUM(items), AVG(items) FROM shop GROUP BY paid",
	"SELECT items, COUNT(*) FROM shop GROUP BY items",
	"SELECT items // 10, COUNT(*) FROM shop WHERE paid GROUP BY 1",
	"SELECT MEDIAN(items), MAX(items), VAR_POP(items) FROM shop WHERE city = 'x'",
	"SELECT SUM(items * items) FROM shop",
	"SELECT COUNT(DISTINCT city) FROM shop",
	"SELECT lower(city), paid, COUNT(items) FROM shop GROUP BY ALL",
}

// TestNarrowerAdmitsNothingNew is what the comparison promises: where it says that
// nothing widens, every question that is permitted under the new contract was
// permitted under the old one, asked for with the same bounds, to the same
// analysts; and what it asks for by default loses no more and is bounded no
// wider than it was.
func TestNarrowerAdmitsNothingNew(t *testing.T) {
	parser, err := sqlparse.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = parser.Close() })
	plan := func(sql string, c *contract.Contract, req planner.Request) (*pricing.Priced, error) {
		sel, err := parser.Parse(t.Context(), sql)
		if err != nil {
			return nil, err
		}
		if sel, err = reduce.Reduce(sel, planner.Columns(c)); err != nil {
			return nil, err
		}
		return planner.Plan(sel, planner.Dataset{Contract: c, Members: []string{"a", "b"}}, req)
	}
	rapid.Check(t, func(t *rapid.T) {
		before, after := drawPair(t)
		was, next := read(t, before), read(t, after)
		if Widens(Contracts(was, next)) {
			return
		}
		for _, group := range []string{"", "lab", "acme"} {
			if next.MayAsk(group) && !was.MayAsk(group) {
				t.Fatalf("the group %q may ask now\n%s\n%s", group, before, after)
			}
		}
		for _, sql := range questions {
			now, err := plan(sql, next, planner.Request{})
			if err != nil {
				continue
			}
			then, err := plan(sql, was, asked(next, now))
			if err != nil {
				t.Fatalf("%s\nis permitted now, and was not: %v\n%s\n%s", sql, err, before, after)
			}
			if n, o := now.Plan.Limits, then.Plan.Limits; n.MaxPartitions > o.MaxPartitions || n.MaxRowsPerPartition > o.MaxRowsPerPartition ||
				o.MaxRows > 0 && (n.MaxRows == 0 || n.MaxRows > o.MaxRows) || n.L2Rows() > o.L2Rows() {
				t.Fatalf("%s\nis bounded by %+v, and was by %+v\n%s\n%s", sql, n, o, before, after)
			}
			if now.Cost.Mu2 > then.Cost.Mu2 || now.Loss.Epsilon > was.Defaults.Epsilon || now.Loss.Delta > was.Defaults.Delta {
				t.Fatalf("%s\nloses %+v (%+v), and lost %+v\n%s\n%s", sql, now.Loss, now.Cost, then.Cost, before, after)
			}
		}
	})
}

func read(t *rapid.T, doc string) *contract.Contract {
	c, err := contractparse.Parse([]byte(doc))
	if err != nil {
		t.Fatal(err, doc)
	}
	return c
}

// asked returns the request under which an older contract gives a question the
// loss and the measures' bounds that it has under a newer one.
func asked(c *contract.Contract, now *pricing.Priced) planner.Request {
	req := planner.Request{Loss: privacy.Loss{Epsilon: now.Loss.Epsilon, Delta: now.Loss.Delta}, Columns: map[string][2]float64{}}
	for _, col := range c.Columns {
		if col.Role == contract.RoleMeasure {
			req.Columns[col.Name] = col.Bounds
		}
	}
	return req
}
