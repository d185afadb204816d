// Package effect says what a change would do to what is shared: which fields it
// touches, from what to what, and whether it widens. It is computed from
// contracts and stated budgets alone, so that whoever must agree can be shown it,
// and check it, without anything of any row.
//
// A change is narrower when whatever may be asked after it could be asked
// before it, with at least as wide bounds and as large a loss. What is neither
// only narrower nor only wider is wider: in doubt somebody is asked. How large a
// query the planner bothers to evaluate is no promise to anyone and does not
// count: under narrower bounds, or fewer declared values, more may fit.
package effect
