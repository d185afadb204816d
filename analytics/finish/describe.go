package finish

import (
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/result"
	"github.com/noised/noised/analytics/scalar"
)

// column describes an output before its values are known.
func (f *finisher) column(o plan.Output) result.Column {
	c := result.Column{Name: o.Name, Type: scalar.TypeOf(o.Expr, f.view.Plan.Keys, f.types), Mechanism: result.Public}
	used := aggsOf(o.Expr)
	if len(used) == 0 {
		if k, ok := o.Expr.(*plan.KeyRef); ok && f.view.Plan.Secret() && f.view.Plan.Keys[k.Index].Secret() {
			c.Mechanism = result.PartitionSelection
		}
		return c
	}
	c.Mechanism = f.source.Mechanism(used)
	if a, ok := o.Expr.(*plan.AggRef); ok {
		f.source.Describe(&c, f.view.Plan.Aggs[a.Index])
	}
	return c
}
