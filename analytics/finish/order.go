package finish

import (
	"slices"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/scalar"
)

// sort applies ORDER BY; ties keep the order of the core.
func (f *finisher) sort(rows []row) error {
	orders := f.view.Plan.OrderBy
	if len(orders) == 0 {
		return nil
	}
	keys := make(map[int][]plan.Value, len(rows))
	for _, r := range rows {
		ks := make([]plan.Value, len(orders))
		for i, o := range orders {
			v, err := scalar.Eval(o.Expr, r.scope)
			if err != nil {
				return err
			}
			ks[i] = v
		}
		keys[r.group] = ks
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		ka, kb := keys[a.group], keys[b.group]
		for i, o := range orders {
			if c := orderBy(ka[i], kb[i], o); c != 0 {
				return c
			}
		}
		return 0
	})
	return nil
}

func orderBy(a, b plan.Value, o plan.Order) int {
	switch {
	case a.Null && b.Null:
		return 0
	case a.Null != b.Null:
		if a.Null == o.NullsFirst {
			return -1
		}
		return 1
	case o.Desc:
		return scalar.Compare(b, a)
	default:
		return scalar.Compare(a, b)
	}
}
