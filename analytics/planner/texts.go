package planner

import (
	"github.com/noised/noised/analytics/binding"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/refusal"
)

// maxTexts bounds how much longer than a row's texts those may be that a query
// makes of them: the texts that go into every call that makes a new one. With
// the longest text that a load admits it keeps a run's memory, and so whether
// it fails, from depending on one row.
const maxTexts = 64

// textsFit refuses queries that copy and join texts without measure. Keys have been
// counted before their domains were found.
func (p *planning) textsFit() error {
	es := []plan.Expr{p.out.Filter}
	for _, d := range p.out.Draws {
		es = append(es, d.Mask, d.Value)
	}
	for _, e := range es {
		if err := p.countTexts(e); err != nil {
			return err
		}
	}
	return nil
}

func (p *planning) countTexts(e plan.Expr) error {
	var over plan.Expr
	plan.Walk(e, func(e plan.Expr) bool {
		if makesText(e) {
			p.madeTexts += columnsIn(e)
		}
		if p.madeTexts > maxTexts && over == nil {
			over = e
		}
		return over == nil
	})
	if over == nil {
		return nil
	}
	return refusal.New(plan.PosOf(over), "a query that makes and joins this many texts is not permitted").
		Suggest("use fewer of concat, ||, lower, upper, trim, substring and casts to VARCHAR")
}

// makesText reports whether a node computes a text of its own.
func makesText(e plan.Expr) bool {
	switch e := e.(type) {
	case *plan.Call:
		f, ok := binding.Function(plan.RowFunctions, e.Func)
		return ok && f.Result == plan.ClassText
	case *plan.Cast:
		return e.To.Kind == plan.KindVarchar
	default:
		return false
	}
}

func columnsIn(e plan.Expr) int {
	n := 0
	plan.Walk(e, func(e plan.Expr) bool {
		if _, is := e.(*plan.Column); is {
			n++
		}
		return true
	})
	return n
}
