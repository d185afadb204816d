// Package planner decides which queries may run, what they compute, and what
// they cost. From a query as written, a dataset's contract and the caller's
// parameters it makes a bound plan with calibrated noise and a price, or an
// error that names the construct, its position and the nearest permitted form.
//
// Plan is a pure function: it reads no row, no statistic, no clock. Price,
// refusal, bounds and the shape of the result therefore cannot tell anything
// about data.
//
// It is a flat list of rules over one query, in the order in which they need
// each other. They share the state of one planning; what can be said without it
// has packages of its own: sources resolves FROM, binding expressions, ranges
// finds what these can be, periods which rows a filter reads, and pricing what the
// plan costs. The rules that
// carry the guarantee:
//
//   - Functions come from two allow-lists in package plan: total and
//     deterministic ones on rows, and ones on noised values (package binding).
//   - The privacy unit's column stands in COUNT(DISTINCT unit) and nowhere else.
//   - What depends on rows is a draw, and gets noise exactly once; HAVING, ORDER
//     BY, LIMIT and arithmetic between aggregates only ever see noised values.
//   - A sum is over integers: each row's value is clamped to bounds that are
//     public (the contract's, or interval arithmetic on them) and quantised.
//   - Keys are declared, and then all are shown, or secret, and then a noised
//     count decides; a query with a secret key always has such a count.
//     What an expression can be is found from declared domains, bounds and the
//     query's text, by interval arithmetic and by evaluating it.
//   - The sensitivity of every draw follows from the plan's Limits alone, and the
//     price is split by fixed weights.
//   - How the Limits are enforced, by ranks that loads store or by streaming,
//     follows from contract and plan, and changes neither noise nor price.
//   - Where rows have budgets by period, a plan reads the rows of the periods
//     that it names, and of no other.
//
// Spelling variants are brought to one form (folding, operand order, sorted
// keys and draws), so that they share a core and hence a release.
package planner
