package finish

import (
	"math"
	"slices"
	"strconv"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/result"
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
	source  *source
	exact   []estimator   // per aggregate, at the view's confidence
	joint   [][]estimator // per output, aggregates at a confidence that holds jointly; nil for a bare aggregate
	types   []plan.Type   // of the aggregates
	columns []result.Column
}

// row is one group that survived HAVING.
type row struct {
	group int
	scope scope
	exact []estimate // of the aggregates
}

func newFinisher(v View, core *Core) *finisher {
	f := &finisher{view: v, core: core, source: newSource(v, core)}
	for _, a := range v.Plan.Aggs {
		e := f.source.estimator(a, v.Confidence)
		f.exact = append(f.exact, e)
		f.types = append(f.types, e.kind())
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
func (f *finisher) jointEstimators(e plan.Expr) []estimator {
	used := aggsOf(e)
	if _, bare := e.(*plan.AggRef); bare || len(used) == 0 {
		return nil
	}
	each := 1 - (1-f.view.Confidence)/float64(len(used))
	out := make([]estimator, len(f.view.Plan.Aggs))
	for _, i := range used {
		out[i] = f.source.estimator(f.view.Plan.Aggs[i], each)
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
		r := row{group: g, scope: scope{keys: f.core.Keys[g], aggs: make([]plan.Value, len(f.exact))}, exact: make([]estimate, len(f.exact))}
		for i, e := range f.exact {
			r.exact[i] = e.at(g)
			r.scope.aggs[i] = r.exact[i].value
		}
		if f.view.Plan.Having != nil {
			keep, err := eval(f.view.Plan.Having, r.scope)
			if err != nil {
				return nil, err
			}
			if !isTrue(keep) {
				continue
			}
		}
		r.scope.outs = make([]plan.Value, len(f.columns))
		for i, o := range f.view.Plan.Outputs {
			v, err := eval(o.Expr, r.scope)
			if err != nil {
				return nil, err
			}
			r.scope.outs[i] = conform(v, f.columns[i].Type)
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

// conform gives a value the column's type.
func conform(v plan.Value, t plan.Type) plan.Value {
	if v.Type == t || (v.Type.Kind == t.Kind && t.Kind != plan.KindDecimal) {
		v.Type = t
		return v
	}
	if v.Type.IsInteger() && t.IsInteger() && !v.Null {
		return plan.IntValue(t, v.Int)
	}
	return convert(v, t)
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
		c.Values[i] = r.scope.outs[output]
		if noised {
			c.Low[i], c.High[i] = f.interval(expr, output, r, c.Type)
		}
	}
}

func (f *finisher) interval(e plan.Expr, output int, r row, t plan.Type) (low, high plan.Value) {
	if a, ok := e.(*plan.AggRef); ok {
		return r.exact[a.Index].low, r.exact[a.Index].high
	}
	ests := make([]estimate, len(f.exact))
	for i, j := range f.joint[output] {
		if j != nil {
			ests[i] = j.at(r.group)
		}
	}
	s, ok := spanOf(e, r.scope.keys, ests)
	if !ok || math.IsNaN(s.lo) || math.IsNaN(s.hi) {
		return plan.Null(t), plan.Null(t)
	}
	if t.IsInteger() {
		return wholeEnd(math.Floor(s.lo), t), wholeEnd(math.Ceil(s.hi), t)
	}
	return conform(finite(s.lo), t), conform(finite(s.hi), t)
}

func wholeEnd(f float64, t plan.Type) plan.Value {
	return conform(plan.FloatValue(max(-math.MaxInt64/2, min(math.MaxInt64/2, f))), t)
}
