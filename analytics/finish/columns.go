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
//
// Groups are looked at one by one and independently of each other, by as many
// goroutines as there are processors, each with estimators of its own.
func Columns(v View, core *Core) ([]result.Column, error) {
	if err := core.check(v.Plan); err != nil {
		return nil, err
	}
	groups, err := shown(v, core)
	if err != nil {
		return nil, err
	}
	columns := newFinisher(v, core).columns
	for i := range columns {
		reserve(&columns[i], v, i, len(groups))
	}
	_, err = inShards(len(groups), func(from, to int) (struct{}, error) {
		return struct{}{}, newFinisher(v, core).fill(columns, groups, from, to)
	})
	return columns, err
}

// finisher holds what one goroutine of Columns needs.
type finisher struct {
	view    View
	core    *Core
	source  *estimate.Source
	exact   []estimate.Estimator   // per aggregate, at the view's confidence
	joint   [][]estimate.Estimator // per output, aggregates at a confidence that holds jointly; nil for a bare aggregate
	types   []plan.Type            // of the aggregates
	columns []result.Column        // without values
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

// aggsOf lists the aggregates that expressions use, each once.
func aggsOf(es ...plan.Expr) []int {
	var used []int
	for _, e := range es {
		plan.Walk(e, func(e plan.Expr) bool {
			if a, ok := e.(*plan.AggRef); ok && !slices.Contains(used, a.Index) {
				used = append(used, a.Index)
			}
			return true
		})
	}
	return used
}

// row is one group at a time, in room that is used again for the next.
type row struct {
	*finisher
	group int
	scope scalar.Scope
	exact []estimate.Estimate // of the aggregates
	joint []estimate.Estimate // of those of one expression
	key   []plan.Value        // where the plan declares the keys
}

func (f *finisher) row() *row {
	aggs := len(f.exact)
	return &row{
		finisher: f, exact: make([]estimate.Estimate, aggs), joint: make([]estimate.Estimate, aggs), key: make([]plan.Value, len(f.view.Plan.Keys)),
		scope: scalar.Scope{Aggs: make([]plan.Value, aggs), Outs: make([]plan.Value, len(f.columns))},
	}
}

// turnTo makes a group the row's.
func (r *row) turnTo(group int) {
	r.group = group
	if r.core.Keys != nil {
		r.scope.Keys = r.core.Keys[group]
		return
	}
	r.view.Plan.DeclaredKey(group, r.key)
	r.scope.Keys = r.key
}

// estimate computes some aggregates.
func (r *row) estimate(aggs []int) {
	for _, i := range aggs {
		r.exact[i] = r.finisher.exact[i].At(r.group)
		r.scope.Aggs[i] = r.exact[i].Value
	}
}

// outputs computes some outputs, whose aggregates are known. Aggregates and keys
// as they are have their column's type already.
func (r *row) outputs(which []int) error {
	for _, i := range which {
		switch e := r.view.Plan.Outputs[i].Expr.(type) {
		case *plan.AggRef:
			r.scope.Outs[i] = r.scope.Aggs[e.Index]
		case *plan.KeyRef:
			r.scope.Outs[i] = r.scope.Keys[e.Index]
		default:
			v, err := scalar.Eval(e, r.scope)
			if err != nil {
				return err
			}
			r.scope.Outs[i] = scalar.Conform(v, r.columns[i].Type)
		}
	}
	return nil
}

// reserve makes room in an output's column for n rows, and for their intervals
// where it is noised.
func reserve(c *result.Column, v View, output, n int) {
	c.Values = result.NewVector(c.Type, n)
	if len(aggsOf(v.Plan.Outputs[output].Expr)) > 0 && c.Type.IsNumeric() {
		c.Low, c.High = result.NewVector(c.Type, n), result.NewVector(c.Type, n)
		c.Confidence = strconv.FormatFloat(v.Confidence, 'g', -1, 64)
	}
}

// fill sets the rows from … to−1 of all columns, which are those of the groups
// at these places.
func (f *finisher) fill(columns []result.Column, groups []int, from, to int) error {
	r, all, exprs := f.row(), make([]int, len(columns)), make([]plan.Expr, len(columns))
	for i, o := range f.view.Plan.Outputs {
		all[i], exprs[i] = i, o.Expr
	}
	aggs := aggsOf(exprs...)
	for at := from; at < to; at++ {
		r.turnTo(groups[at])
		r.estimate(aggs)
		if err := r.outputs(all); err != nil {
			return err
		}
		for i := range columns {
			c := &columns[i]
			c.Values.Set(at, r.scope.Outs[i])
			if c.HasInterval() {
				low, high := r.interval(i, c.Type)
				c.Low.Set(at, low)
				c.High.Set(at, high)
			}
		}
	}
	return nil
}

// interval returns that of an output.
func (r *row) interval(output int, t plan.Type) (low, high plan.Value) {
	e := r.view.Plan.Outputs[output].Expr
	if a, ok := e.(*plan.AggRef); ok {
		return r.exact[a.Index].Low, r.exact[a.Index].High
	}
	for i, j := range r.finisher.joint[output] {
		if j != nil {
			r.joint[i] = j.At(r.group)
		}
	}
	s, ok := spanOf(e, r.scope.Keys, r.joint)
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
