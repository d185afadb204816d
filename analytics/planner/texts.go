package planner

import "github.com/noised/noised/analytics/plan"

// maxTexts bounds how much longer than a row's texts those may be that a query
// makes of them: the texts that go into every call that makes a new one. With
// the longest text that a load admits it keeps a run's memory, and so whether
// it fails, from depending on one row.
const maxTexts = 64

// texts refuses queries that copy and join texts without measure.
func (p *planning) texts() error {
	made := 0
	count := func(e plan.Expr) error {
		var over plan.Expr
		plan.Walk(e, func(e plan.Expr) bool {
			if makesText(e) {
				made += columnsIn(e)
			}
			if made > maxTexts && over == nil {
				over = e
			}
			return over == nil
		})
		if over == nil {
			return nil
		}
		return refuse(plan.PosOf(over), "a query that makes and joins this many texts is not permitted").
			Suggest("use fewer of concat, ||, lower, upper, trim, substring and casts to VARCHAR")
	}
	if err := count(p.out.Filter); err != nil {
		return err
	}
	for _, d := range p.out.Draws {
		for _, e := range []plan.Expr{d.Mask, d.Value} {
			if err := count(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// makesText reports whether a node computes a text of its own.
func makesText(e plan.Expr) bool {
	switch e := e.(type) {
	case *plan.Call:
		f, ok := lookup(plan.RowFunctions, e.Func)
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
