package planner

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/contractparse"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/pricing"
	"github.com/noised/noised/analytics/reduce"
	"github.com/noised/noised/analytics/scripttest"
	"github.com/noised/noised/analytics/sqlparse"
	"github.com/noised/noised/privacy"
)

var update = scripttest.Update()

// fixture plans queries over the contracts of testdata.
type fixture struct {
	parser    *sqlparse.Parser
	contracts map[string]*contract.Contract
}

var members = []string{"acme", "bolt", "core"}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	parser, err := sqlparse.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := parser.Close(); err != nil {
			t.Error(err)
		}
	})
	f := &fixture{parser: parser, contracts: map[string]*contract.Contract{}}
	for _, file := range []string{"testdata/shop.yaml", "testdata/tpch.yaml", "testdata/visits.yaml", "testdata/clinic.yaml", "testdata/diary.yaml", "testdata/basket.yaml", "testdata/gym.yaml", "testdata/sensors.yaml", "../contract/testdata/insteval.yaml"} {
		doc, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c, err := contractparse.Parse(doc)
		if err != nil {
			t.Fatal(file, err, privacy.AsError(err).Problems)
		}
		f.contracts[c.Dataset] = c
	}
	return f
}

func (f *fixture) plan(sql string, req Request) (*pricing.Priced, error) {
	sel, err := f.parser.Parse(context.Background(), sql)
	if err != nil {
		return nil, err
	}
	c, ok := f.contracts[plan.Tables(sel.From)[0].Dataset]
	if !ok {
		return nil, privacy.Errorf(privacy.CodeUnknownDataset, "no dataset %q", plan.Tables(sel.From)[0].Dataset)
	}
	sel, err = reduce.Reduce(sel, Columns(c))
	if err != nil {
		return nil, err
	}
	return Plan(sel, Dataset{Contract: c, Members: members}, req)
}

// TestScripts runs testdata/*.txt. A block has the request on lines that begin
// with "@ ", a query on lines that begin with "> ", and what comes of it: the
// plan, or the refusal with its position and suggestion.
func TestScripts(t *testing.T) {
	f := newFixture(t)
	scripttest.Run(t, update, f.block)
}

func (f *fixture) block(t *testing.T, block string) string {
	t.Helper()
	var out strings.Builder
	var sql []string
	brief := false
	req := Request{Loss: privacy.Loss{Epsilon: 1, Delta: 1e-9}}
	for _, line := range strings.Split(block, "\n") {
		if strings.HasPrefix(line, "#") {
			fmt.Fprintln(&out, line)
		}
		if q, ok := strings.CutPrefix(line, "> "); ok {
			fmt.Fprintln(&out, line)
			sql = append(sql, q)
		}
		if r, ok := strings.CutPrefix(line, "@ "); ok {
			fmt.Fprintln(&out, line)
			r, brief = strings.CutPrefix(r, "bounding only")
			readRequest(t, r, &req)
		}
	}
	if len(sql) == 0 {
		return out.String()
	}
	p, err := f.plan(strings.Join(sql, "\n"), req)
	if err != nil {
		out.WriteString(scripttest.Refusal(err))
		if e := privacy.AsError(err); e.Cause != nil {
			fmt.Fprintf(&out, "  cause: %v\n", e.Cause)
		}
		return out.String()
	}
	if l := p.Plan.Limits; brief {
		fmt.Fprintf(&out, "limits %d %d %d %d by %s\n", l.MaxPartitions, l.MaxRowsPerPartition, l.MaxRows, l.MaxL2, p.Plan.Strategy)
		return out.String()
	}
	out.WriteString(show(p))
	return out.String()
}

// readRequest reads "epsilon=1 delta=1e-9 max_partitions=3 rating=1,2 tenants=a,b".
func readRequest(t *testing.T, line string, req *Request) {
	t.Helper()
	for _, field := range strings.Fields(line) {
		name, value, _ := strings.Cut(field, "=")
		number := func(s string) float64 {
			v, err := strconv.ParseFloat(s, 64)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		switch name {
		case "epsilon":
			req.Loss.Epsilon = number(value)
		case "delta":
			req.Loss.Delta = number(value)
		case "max_partitions":
			v := int64(number(value))
			req.MaxPartitions = &v
		case "max_rows_per_partition":
			v := int64(number(value))
			req.MaxRowsPerPartition = &v
		case "tenants":
			req.Tenants = slices.DeleteFunc(strings.Split(value, ","), func(s string) bool { return s == "" })
		default:
			lo, hi, _ := strings.Cut(value, ",")
			if req.Columns == nil {
				req.Columns = map[string][2]float64{}
			}
			req.Columns[name] = [2]float64{number(lo), number(hi)}
		}
	}
}

var aggNames = map[plan.AggFunc]string{
	plan.AggCount: "count", plan.AggUnits: "units", plan.AggSum: "sum", plan.AggAvg: "avg", plan.AggDistinct: "distinct",
	plan.AggVarPop: "var_pop", plan.AggVarSamp: "var_samp", plan.AggStddevPop: "stddev_pop", plan.AggStddevSamp: "stddev_samp",
	plan.AggQuantile: "quantile", plan.AggMin: "min", plan.AggMax: "max",
}

// show prints a priced plan.
func show(p *pricing.Priced) string {
	b := p.Plan
	var s strings.Builder
	_, core, _ := strings.Cut(b.CoreKey(), "scope ")
	s.WriteString("scope " + core)
	if b.Strategy.Bounding != plan.BoundStream {
		fmt.Fprintf(&s, "bounded by %s\n", b.Strategy)
	}
	for i, a := range b.Aggs {
		fmt.Fprintf(&s, "agg#%d %s", i, aggNames[a.Func])
		for _, d := range []struct {
			name string
			draw int
		}{{"count", a.Count}, {"sum", a.Sum}, {"square", a.Square}, {"tree", a.Tree}} {
			if d.draw >= 0 {
				fmt.Fprintf(&s, " %s=%d", d.name, d.draw)
			}
		}
		if a.Func == plan.AggQuantile {
			fmt.Fprintf(&s, " q=%g", a.Q)
		}
		s.WriteByte('\n')
	}
	for _, o := range b.Outputs {
		fmt.Fprintf(&s, "output %q %s\n", o.Name, plan.Print(o.Expr))
	}
	if b.Having != nil {
		fmt.Fprintf(&s, "having %s\n", plan.Print(b.Having))
	}
	for _, o := range b.OrderBy {
		fmt.Fprintf(&s, "order by %s desc=%t nulls first=%t\n", plan.Print(o.Expr), o.Desc, o.NullsFirst)
	}
	if b.Limit != nil || b.Offset != 0 {
		fmt.Fprintf(&s, "limit %v offset %d\n", deref(b.Limit), b.Offset)
	}
	for i, n := range p.Noise {
		fmt.Fprintf(&s, "noise#%d %s stddev %.4g\n", i, n.Kind, n.Stddev)
	}
	if p.Selection != nil {
		fmt.Fprintf(&s, "select by draw %d at %d, delta %.3g\n", p.Selection.Draw, p.Selection.Threshold.Value(), p.Selection.Delta)
	}
	if p.Periods != nil {
		fmt.Fprintf(&s, "periods %s\n", strings.Join(p.Periods, " "))
	}
	mu2, delta := p.Cost.Real()
	fmt.Fprintf(&s, "cost %.6g %.3g\n", mu2, delta)
	return s.String()
}

func deref(n *int64) string {
	if n == nil {
		return "all"
	}
	return strconv.FormatInt(*n, 10)
}
