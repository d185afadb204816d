package finish

import (
	"math"
	"slices"
	"strconv"

	"github.com/noised/noised/analytics/estimate"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/result"
	"github.com/noised/noised/analytics/scalar"
)

// Columns computes the view's output columns, with intervals for the noised
// ones, filtered by HAVING, ordered and limited. Rows that ORDER BY leaves tied
// keep the order of the core, which is by declared order or by key.
func Columns(v View, core *Core) ([]result.Column, error) {
	if err := core.check(v.Plan); err != nil {
		return nil, err
	}
	f := newFinisher(v, core)
	rows, err := f.rows()
	if err != nil {
		return nil, err
	}
	for i := range f.columns {
		f.fill(&f.columns[i], i, rows)
	}
	return f.columns, nil
}

// finisher holds the per-query state of Columns.
type finisher struct {
	view    View
	core    *Core
	source  *estimate.Source
	exact   []estimate.Estimator   // per aggregate, at the view's confidence
	joint   [][]estimate.Estimator // per output, aggregates at a confidence that holds jointly; nil for a bare aggregate
	types   []plan.Type            // of the aggregates
	columns []result.Column
}

// row is one group that survived HAVING.
type row struct {
	group int
	scope scalar.Scope
	exact []estimate.Estimate // of the aggregates
}

func newFinisher(v View, core *Core) *finisher {
	f := &finisher{view: v, core: core, source: estimate.New(v.Plan, v.Noise, core.Draws)}
	for _, a := range v.Plan.Aggs {
		e := f.source.Estimator(a, v.Confidence)
		f.exact = append(f.exact, e)
		f.types = append(f.types, e.Kind())
	}
	for _, o := range v.Plan.Outputs {
		f.columns = append(f.columns, f.column(o))
		f.joint = append(f.joint, f.jointEstimators(o.Expr))
	}
	return f
}

// jointEstimators returns estimators for an expression over several aggregates,
// each at the confidence 1 − (1−p)/k, so that all hold together with
// probability p (union bound).
func (f *finisher) jointEstimators(e plan.Expr) []estimate.Estimator {
	used := aggsOf(e)
	if _, bare := e.(*plan.AggRef); bare || len(used) == 0 {
		return nil
	}
	each := 1 - (1-f.view.Confidence)/float64(len(used))
	out := make([]estimate.Estimator, len(f.view.Plan.Aggs))
	for _, i := range used {
		out[i] = f.source.Estimator(f.view.Plan.Aggs[i], each)
	}
	return out
}

// aggsOf lists the aggregates that an expression uses, each once.
func aggsOf(e plan.Expr) []int {
	var used []int
	plan.Walk(e, func(e plan.Expr) bool {
		if a, ok := e.(*plan.AggRef); ok && !slices.Contains(used, a.Index) {
			used = append(used, a.Index)
		}
		return true
	})
	return used
}

// rows evaluates HAVING, ORDER BY, OFFSET and LIMIT.
func (f *finisher) rows() ([]row, error) {
	var rows []row
	for g := range f.core.Keys {
		r := row{group: g, scope: scalar.Scope{Keys: f.core.Keys[g], Aggs: make([]plan.Value, len(f.exact))}, exact: make([]estimate.Estimate, len(f.exact))}
		for i, e := range f.exact {
			r.exact[i] = e.At(g)
			r.scope.Aggs[i] = r.exact[i].Value
		}
		if f.view.Plan.Having != nil {
			keep, err := scalar.Eval(f.view.Plan.Having, r.scope)
			if err != nil {
				return nil, err
			}
			if !scalar.IsTrue(keep) {
				continue
			}
		}
		r.scope.Outs = make([]plan.Value, len(f.columns))
		for i, o := range f.view.Plan.Outputs {
			v, err := scalar.Eval(o.Expr, r.scope)
			if err != nil {
				return nil, err
			}
			r.scope.Outs[i] = scalar.Conform(v, f.columns[i].Type)
		}
		rows = append(rows, r)
	}
	if err := f.sort(rows); err != nil {
		return nil, err
	}
	return f.limit(rows), nil
}

func (f *finisher) limit(rows []row) []row {
	p := f.view.Plan
	rows = rows[min(p.Offset, int64(len(rows))):]
	if p.Limit != nil {
		rows = rows[:min(*p.Limit, int64(len(rows)))]
	}
	return rows
}

// fill sets a column's values, and its interval where it is noised.
func (f *finisher) fill(c *result.Column, output int, rows []row) {
	expr := f.view.Plan.Outputs[output].Expr
	noised := len(aggsOf(expr)) > 0 && c.Type.IsNumeric()
	c.Values = make([]plan.Value, len(rows))
	if noised {
		c.Low, c.High = make([]plan.Value, len(rows)), make([]plan.Value, len(rows))
		c.Confidence = strconv.FormatFloat(f.view.Confidence, 'g', -1, 64)
	}
	for i, r := range rows {
		c.Values[i] = r.scope.Outs[output]
		if noised {
			c.Low[i], c.High[i] = f.interval(expr, output, r, c.Type)
		}
	}
}

func (f *finisher) interval(e plan.Expr, output int, r row, t plan.Type) (low, high plan.Value) {
	if a, ok := e.(*plan.AggRef); ok {
		return r.exact[a.Index].Low, r.exact[a.Index].High
	}
	ests := make([]estimate.Estimate, len(f.exact))
	for i, j := range f.joint[output] {
		if j != nil {
			ests[i] = j.At(r.group)
		}
	}
	s, ok := spanOf(e, r.scope.Keys, ests)
	if !ok || math.IsNaN(s.lo) || math.IsNaN(s.hi) {
		return plan.Null(t), plan.Null(t)
	}
	if t.IsInteger() {
		return wholeEnd(math.Floor(s.lo), t), wholeEnd(math.Ceil(s.hi), t)
	}
	return scalar.Conform(scalar.Finite(s.lo), t), scalar.Conform(scalar.Finite(s.hi), t)
}

func wholeEnd(f float64, t plan.Type) plan.Value {
	return scalar.Conform(plan.FloatValue(max(-math.MaxInt64/2, min(math.MaxInt64/2, f))), t)
}
