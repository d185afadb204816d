package finish

import (
	"cmp"
	"slices"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/scalar"
)

// shown returns the groups that a view shows, in its order: those that HAVING
// keeps, by ORDER BY, within OFFSET and LIMIT.
func shown(v View, core *Core) ([]int, error) {
	var groups []int
	if v.Plan.Having == nil && len(v.Plan.OrderBy) == 0 {
		groups = make([]int, core.groups(v.Plan))
		for g := range groups {
			groups[g] = g
		}
		return limited(v.Plan, groups), nil
	}
	shards, err := inShards(core.groups(v.Plan), func(from, to int) (selected, error) {
		return newFinisher(v, core).selected(from, to)
	})
	if err != nil {
		return nil, err
	}
	for _, s := range shards {
		groups = append(groups, s.groups...)
	}
	order := make([]int, len(groups))
	for i := range order {
		order[i] = i
	}
	for i := len(v.Plan.OrderBy) - 1; i >= 0; i-- { // each keeps the order of those after it
		values := make([]plan.Value, 0, len(groups))
		for _, s := range shards {
			values = append(values, s.values[i]...)
		}
		order = orderedBy(order, values, v.Plan.OrderBy[i])
	}
	order = limited(v.Plan, order)
	for i, at := range order {
		order[i] = groups[at]
	}
	return order, nil
}

func limited(p *plan.Bound, groups []int) []int {
	groups = groups[min(p.Offset, int64(len(groups))):]
	if p.Limit != nil {
		groups = groups[:min(*p.Limit, int64(len(groups)))]
	}
	return groups
}

// selected are groups that HAVING keeps, with the values of each ORDER BY.
type selected struct {
	groups []int
	values [][]plan.Value // [order][place in groups]
}

// selected looks at the groups from … to−1. What ORDER BY alone needs is not
// computed of groups that are not kept.
func (f *finisher) selected(from, to int) (selected, error) {
	p := f.view.Plan
	s := selected{values: make([][]plan.Value, len(p.OrderBy))}
	var by []plan.Expr
	var outs []int
	for _, o := range p.OrderBy {
		by = append(by, o.Expr)
		plan.Walk(o.Expr, func(e plan.Expr) bool {
			if out, ok := e.(*plan.OutputRef); ok {
				outs, by = append(outs, out.Index), append(by, p.Outputs[out.Index].Expr)
			}
			return true
		})
	}
	for i := range s.values {
		s.values[i] = make([]plan.Value, 0, to-from)
	}
	having, ordering := aggsOf(p.Having), aggsOf(by...)
	r := f.row()
	for g := from; g < to; g++ {
		r.turnTo(g)
		r.estimate(having)
		if p.Having != nil {
			keep, err := scalar.Eval(p.Having, r.scope)
			if err != nil {
				return s, err
			}
			if !scalar.IsTrue(keep) {
				continue
			}
		}
		r.estimate(ordering)
		if err := r.outputs(outs); err != nil {
			return s, err
		}
		s.groups = append(s.groups, g)
		for i, o := range p.OrderBy {
			v, err := scalar.Eval(o.Expr, r.scope)
			if err != nil {
				return s, err
			}
			s.values[i] = append(s.values[i], v)
		}
	}
	return s, nil
}

// orderedBy sorts places by their values; ties keep their order. Values are
// compared as scalar.Compare does: numbers of one type as they are stored, others
// by size, what is no number by its text.
func orderedBy(places []int, values []plan.Value, o plan.Order) []int {
	sorted, nulls := make([]int, 0, len(places)), []int(nil)
	var first *plan.Type
	stored, numeric := true, true
	for _, p := range places {
		v := &values[p]
		if v.Null {
			nulls = append(nulls, p)
			continue
		}
		sorted = append(sorted, p)
		if first == nil {
			first = &v.Type
		}
		numeric = numeric && v.Type.IsNumeric()
		stored = stored && (v.Type == *first || v.Type.IsInteger() && first.IsInteger())
	}
	switch {
	case first == nil:
	case first.Kind == plan.KindVarchar && stored:
		sortBy(sorted, o.Desc, func(p int) string { return values[p].Str })
	case first.Kind != plan.KindDouble && stored:
		sortBy(sorted, o.Desc, func(p int) int64 { return values[p].Int })
	case numeric:
		sortBy(sorted, o.Desc, func(p int) float64 { return values[p].AsFloat() })
	default:
		sortBy(sorted, o.Desc, func(p int) string { return values[p].Text() })
	}
	if o.NullsFirst {
		return append(nulls, sorted...)
	}
	return append(sorted, nulls...)
}

// sortBy sorts places by a key, stably.
func sortBy[K cmp.Ordered](places []int, desc bool, key func(place int) K) {
	type keyed struct {
		key       K
		at, place int
	}
	all := make([]keyed, len(places))
	for at, p := range places {
		all[at] = keyed{key(p), at, p}
	}
	slices.SortFunc(all, func(a, b keyed) int {
		c := cmp.Compare(a.key, b.key)
		if desc {
			c = -c
		}
		if c == 0 {
			return a.at - b.at
		}
		return c
	})
	for at, k := range all {
		places[at] = k.place
	}
}
