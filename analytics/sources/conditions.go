package sources

import (
	"github.com/noised/noised/analytics/canon"
	"github.com/noised/noised/analytics/plan"
)

// hoist takes what every branch of an OR demands out of it, so that a join that
// is repeated in each is found: (A AND B) OR (A AND C) is A AND (B OR C).
func hoist(e plan.Expr) []plan.Expr {
	or, ok := e.(*plan.Call)
	if !ok || or.Func != "or" {
		return []plan.Expr{e}
	}
	type conjunct struct {
		e    plan.Expr
		text string
	}
	branches := make([][]conjunct, len(or.Args))
	in := map[string]int{} // how many branches demand it
	for i, b := range or.Args {
		seen := map[string]bool{}
		for _, c := range ands(b) {
			text := plan.Print(c)
			if !seen[text] {
				branches[i] = append(branches[i], conjunct{c, text})
				in[text]++
			}
			seen[text] = true
		}
	}
	var common, left []plan.Expr
	for i, b := range branches {
		var own []plan.Expr
		for _, c := range b {
			switch {
			case in[c.text] < len(branches):
				own = append(own, c.e)
			case i == 0:
				common = append(common, c.e)
			}
		}
		if len(own) > 0 {
			left = append(left, canon.Junction("and", own, plan.PosOf(own[0])))
		}
	}
	if len(left) < len(branches) { // one demands nothing else
		return common
	}
	return append(common, &plan.Call{Func: "or", Args: left, Pos: or.Pos})
}

// ands returns the operands of nested ANDs.
func ands(e plan.Expr) []plan.Expr {
	if e == nil {
		return nil
	}
	c, ok := e.(*plan.Call)
	if !ok || c.Func != "and" {
		return []plan.Expr{e}
	}
	var out []plan.Expr
	for _, a := range c.Args {
		out = append(out, ands(a)...)
	}
	return out
}
