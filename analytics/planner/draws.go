package planner

import (
	"cmp"
	"slices"

	"github.com/noised/noised/analytics/canon"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/pricing"
	"github.com/noised/noised/analytics/refusal"
)

// draws turns the wanted aggregates into draws, sharing what can be shared. Of
// the same values and rows,
//
//   - AVG is a centred sum and a count, the variances and deviations are these
//     two and the centred squares, and a SUM beside any of them is computed
//     from the same centred sum and count;
//   - COUNT(x) is that count;
//   - MEDIAN, every QUANTILE_CONT, MIN and MAX are read off one tree.
//
// Sums are centred where anything is asked that needs it: in the middle of its
// bounds a value's magnitude is half of their width.
func (p *planning) draws() error {
	centred := map[string]bool{}
	for _, w := range p.wanted {
		if w.fn == plan.AggAvg || spread(w.fn) {
			centred[w.input()] = true
		}
	}
	for _, w := range p.wanted {
		p.out.Aggs = append(p.out.Aggs, p.agg(w, w.value != nil && centred[w.input()]))
	}
	if len(p.out.Draws) > MaxDraws {
		return p.tooManyAggregates(p.sel.Items[0].Pos)
	}
	return nil
}

func (p *planning) tooManyAggregates(at plan.Pos) error {
	return refusal.New(at, "more than %d different aggregates are not permitted", MaxDraws).
		Suggest("split the query; an AVG counts as two, a variance as three")
}

// spread reports whether an aggregate needs squares.
func spread(fn plan.AggFunc) bool {
	return fn == plan.AggVarPop || fn == plan.AggVarSamp || fn == plan.AggStddevPop || fn == plan.AggStddevSamp
}

// agg expresses an aggregate by draws.
func (p *planning) agg(w wanted, centred bool) plan.Agg {
	agg := plan.Agg{Func: w.fn, Count: -1, Sum: -1, Square: -1, Tree: -1}
	switch w.fn {
	case plan.AggCount:
		agg.Count = p.draw(plan.Draw{Kind: plan.DrawRows, Mask: counted(w)})
	case plan.AggUnits:
		agg.Count = p.draw(plan.Draw{Kind: plan.DrawUnits, Mask: w.filter})
	case plan.AggDistinct:
		agg.Count = p.draw(plan.Draw{Kind: plan.DrawDistinct, Mask: w.filter, Value: w.value})
	case plan.AggQuantile, plan.AggMin, plan.AggMax:
		agg.Q = w.q
		agg.Tree = p.draw(plan.Draw{Kind: plan.DrawTree, Mask: w.filter, Value: w.value, Quantum: w.quantum, Tree: plan.TreeOf(w.quantum)})
	case plan.AggSum, plan.AggAvg, plan.AggVarPop, plan.AggVarSamp, plan.AggStddevPop, plan.AggStddevSamp:
		q := w.quantum
		if centred {
			q.Centre = q.Lo + (q.Hi-q.Lo)/2
		}
		agg.Sum = p.draw(plan.Draw{Kind: plan.DrawSum, Mask: w.filter, Value: w.value, Quantum: q})
		if w.fn != plan.AggSum || q.Centre != 0 {
			agg.Count = p.draw(plan.Draw{Kind: plan.DrawRows, Mask: counted(w)})
		}
		if spread(w.fn) {
			agg.Square = p.draw(plan.Draw{Kind: plan.DrawSquares, Mask: w.filter, Value: w.value, Quantum: q, Square: plan.SquareOf(q)})
		}
	}
	return agg
}

// counted is the condition under which a row counts for an aggregate of a
// value.
func counted(w wanted) plan.Expr {
	if w.value == nil {
		return w.filter
	}
	notNull := &plan.Call{Func: "is not null", Args: []plan.Expr{w.value}, Pos: plan.PosOf(w.value)}
	return canon.Conjunction(slices.Concat(canon.Conjuncts(w.filter), []plan.Expr{notNull}))
}

// draw returns the index of a draw; equal ones are one.
func (p *planning) draw(d plan.Draw) int {
	text := d.String()
	if i := slices.IndexFunc(p.out.Draws, func(o plan.Draw) bool { return o.String() == text }); i >= 0 {
		return i
	}
	p.out.Draws = append(p.out.Draws, d)
	return len(p.out.Draws) - 1
}

// selection finds or adds the count that decides which secret groups are
// shown: one of units, or one of rows where a unit has at most one in a group.
func (p *planning) selection() error {
	if !p.out.Secret() {
		if len(p.out.Draws) == 0 {
			return refusal.New(p.sel.Items[0].Pos, "a query of declared keys alone is not permitted: its result is in the contract").
				Suggest("add an aggregate, for example COUNT(*)")
		}
		return nil
	}
	find := func(kind plan.DrawKind) int {
		return slices.IndexFunc(p.out.Draws, func(d plan.Draw) bool { return d.Kind == kind && d.Mask == nil })
	}
	i := find(plan.DrawUnits)
	if i < 0 && p.out.Limits.MaxRowsPerPartition == 1 {
		i = find(plan.DrawRows)
	}
	if i < 0 {
		i = p.draw(plan.Draw{Kind: plan.DrawUnits})
	}
	p.priced.Selection = &pricing.Selection{Draw: i}
	return nil
}

// canonicalOrder sorts the draws by their print.
func (p *planning) canonicalOrder() error {
	n := len(p.out.Draws)
	texts, order, moved := make([]string, n), make([]int, n), make([]int, n)
	for i, d := range p.out.Draws {
		texts[i], order[i] = d.String(), i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(texts[a], texts[b]) })
	draws := make([]plan.Draw, n)
	for to, from := range order {
		draws[to], moved[from] = p.out.Draws[from], to
	}
	p.out.Draws = draws
	for i, a := range p.out.Aggs {
		for _, at := range []*int{&a.Count, &a.Sum, &a.Square, &a.Tree} {
			if *at >= 0 {
				*at = moved[*at]
			}
		}
		p.out.Aggs[i] = a
	}
	if s := p.priced.Selection; s != nil {
		s.Draw = moved[s.Draw]
	}
	return nil
}
