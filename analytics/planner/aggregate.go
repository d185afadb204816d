package planner

import (
	"fmt"
	"strings"

	"github.com/noised/noised/analytics/binding"
	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/refusal"
	"github.com/noised/noised/privacy"
)

// wanted is an aggregate that the query asks for, before draws are shared.
type wanted struct {
	fn      plan.AggFunc
	filter  plan.Expr    // FILTER; nil for none
	value   plan.Expr    // what is aggregated, or counted where it is not NULL; nil for rows and units
	quantum plan.Quantum // of values that become integers, uncentred
	q       float64      // plan.AggQuantile: from 0 to 1
}

// input identifies the rows and values that an aggregate is of.
func (w wanted) input() string { return plan.Print(w.value) + "|" + plan.Print(w.filter) }

// wantedIndex returns the index of an aggregate among those of the plan; equal
// ones are one.
func (p *planning) wantedIndex(w wanted) int {
	text := fmt.Sprintf("%d %g|%s", w.fn, w.q, w.input())
	if i, ok := p.wantedAt[text]; ok {
		return i
	}
	if p.wantedAt == nil {
		p.wantedAt = map[string]int{}
	}
	p.wantedAt[text] = len(p.wanted)
	p.wanted = append(p.wanted, w)
	return len(p.wanted) - 1
}

// valueFunctions are the aggregates of bounded values, by every name that SQL
// has for them.
var valueFunctions = map[string]plan.AggFunc{
	"sum": plan.AggSum, "avg": plan.AggAvg,
	"var_pop": plan.AggVarPop, "var_samp": plan.AggVarSamp, "variance": plan.AggVarSamp,
	"stddev_pop": plan.AggStddevPop, "stddev_samp": plan.AggStddevSamp, "stddev": plan.AggStddevSamp,
	"median": plan.AggQuantile, "quantile_cont": plan.AggQuantile,
	"min": plan.AggMin, "max": plan.AggMax,
}

// insteadOf names the nearest permitted form of aggregates that have one.
var insteadOf = map[string]string{
	"quantile": "use QUANTILE_CONT(x, q)", "quantile_disc": "use QUANTILE_CONT(x, q)", "approx_quantile": "use QUANTILE_CONT(x, q)",
	"approx_count_distinct": "use COUNT(DISTINCT x)", "count_if": "use COUNT(*) FILTER (WHERE …)",
	"histogram": "use GROUP BY floor(x / width), or width_bucket(x, lo, hi, n)", "fsum": "use SUM(x)", "kahan_sum": "use SUM(x)",
}

const permittedAggregates = "use COUNT, SUM, AVG, VAR_POP, VAR_SAMP, STDDEV_POP, STDDEV_SAMP, MEDIAN, QUANTILE_CONT, MIN or MAX"

// want checks one aggregate call.
func (p *planning) want(a *plan.Aggregate) (wanted, error) {
	fn, ofValues := valueFunctions[a.Func]
	if !ofValues && a.Func != "count" {
		instead, ok := insteadOf[a.Func]
		if !ok {
			instead = permittedAggregates
		}
		return wanted{}, refusal.New(a.Pos, "the aggregate %s is not permitted", refusal.Shorten(a.Func)).Suggest("%s", instead)
	}
	w := wanted{fn: fn}
	if a.Filter != nil {
		filter, err := p.condition(a.Filter, "FILTER")
		if err != nil {
			return w, err
		}
		w.filter = filter
	}
	name, args := strings.ToUpper(a.Func), 1
	if a.Func == "quantile_cont" {
		args = 2
	}
	switch {
	case a.Star && a.Distinct:
		return w, refusal.New(a.Pos, "COUNT(DISTINCT *) is not permitted").Suggest("use COUNT(DISTINCT %s)", p.c.Unit.Column)
	case a.Star:
		w.fn = plan.AggCount
		return w, nil
	case len(a.Args) != args:
		return w, refusal.New(a.Pos, "%s with %d arguments is not permitted", name, len(a.Args)).Suggest("give it %d", args)
	case a.Func == "count":
		return p.wantCount(a, w)
	case a.Distinct:
		return w, refusal.New(a.Pos, "%s(DISTINCT …) is not permitted", name).Suggest("use %s(…) without DISTINCT", name)
	}
	if w.fn == plan.AggQuantile {
		w.q = 0.5
		if args == 2 {
			q, err := p.fraction(a.Args[1])
			if err != nil {
				return w, err
			}
			w.q = q
		}
	}
	return p.wantValue(a, w)
}

// fraction reads the q of a quantile.
func (p *planning) fraction(e plan.Expr) (float64, error) {
	x, err := p.row("QUANTILE_CONT").Bind(e)
	if err != nil {
		return 0, err
	}
	lit, ok := x.(*plan.Literal)
	if !ok || lit.Value.Null || !lit.Value.Type.IsNumeric() {
		return 0, refusal.New(plan.PosOf(e), "a quantile that is not a constant is not permitted").Suggest("write it into the query, for example QUANTILE_CONT(x, 0.9)")
	}
	q := lit.Value.AsFloat()
	if !(q >= 0 && q <= 1) {
		return 0, privacy.Errorf(privacy.CodePrivacyParameters, "a quantile must be between 0 and 1, got %g", q).At(int(plan.PosOf(e)))
	}
	return q + 0, nil // no −0
}

// wantCount checks COUNT(x) and COUNT(DISTINCT x).
func (p *planning) wantCount(a *plan.Aggregate, w wanted) (wanted, error) {
	if c, bare := a.Args[0].(*plan.Column); bare {
		s, col, err := p.from.Resolve(c)
		if err != nil {
			return w, err
		}
		switch isUnit := p.from.IsUnit(s, col); {
		case isUnit && s.Outer:
			return w, refusal.New(a.Pos, "COUNT of %q, which stands on the right of a LEFT JOIN, is not permitted", col.Name).
				Suggest("use an inner JOIN to count those with a partner")
		case isUnit && a.Distinct:
			w.fn = plan.AggUnits
			return w, nil
		case isUnit:
			return w, refusal.New(a.Pos, "COUNT of the privacy unit without DISTINCT is not permitted").
				Suggest("use COUNT(*) for rows, COUNT(DISTINCT %s) for units", col.Name)
		}
	}
	w.fn = plan.AggCount
	e, err := p.row("COUNT").Bind(a.Args[0])
	if err != nil {
		return w, err
	}
	lit, constant := e.(*plan.Literal)
	switch {
	case constant && (a.Distinct || lit.Value.Null):
		return w, refusal.New(a.Pos, "COUNT of this constant is not permitted").Suggest("use COUNT(*)")
	case constant:
		return w, nil
	case a.Distinct:
		w.fn = plan.AggDistinct
	case isTenant(e): // never NULL
		return w, nil
	}
	w.value = e
	return w, nil
}

// wantValue checks an aggregate of values, and how these become integers.
func (p *planning) wantValue(a *plan.Aggregate, w wanted) (wanted, error) {
	name := strings.ToUpper(a.Func)
	b := p.row(name)
	e, err := b.Bind(a.Args[0])
	if err != nil {
		return w, err
	}
	t := binding.RowType(e)
	switch _, constant := e.(*plan.Literal); {
	case t.Kind == plan.KindBoolean:
		return w, refusal.New(a.Pos, "%s of a condition is not permitted", name).Suggest("use COUNT(*) FILTER (WHERE …)")
	case !t.IsNumeric():
		return w, refusal.New(a.Pos, "%s of a value of type %s is not permitted", name, t).Suggest("use it on a measure: %s", refusal.Listed(p.measures()))
	case constant:
		return w, refusal.New(a.Pos, "%s of a constant is not permitted", name).Suggest("use COUNT(*)")
	}
	w.value = e
	if c, ok := e.(*plan.Column); ok {
		col, err := p.column(c)
		if err != nil {
			return w, err
		}
		if col.Role == contract.RoleMeasure {
			w.quantum, err = p.quantum(col)
			return w, err
		}
	}
	w.quantum, err = p.ranges.Quantum(e, name)
	return w, err
}

func (p *planning) measures() []string { return p.from.WithRole(contract.RoleMeasure) }
