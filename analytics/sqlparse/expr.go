package sqlparse

import (
	"strings"

	"github.com/tidwall/gjson"

	"github.com/noised/noised/analytics/plan"
)

// optional reads an expression that may be null.
func (w *walker) optional(r gjson.Result) (plan.Expr, error) {
	if r.Type == gjson.Null {
		return nil, nil
	}
	return w.expr(r)
}

// expr reads an expression in a place where no alias may stand.
func (w *walker) expr(r gjson.Result) (plan.Expr, error) {
	if a := r.Get("alias"); a.Type != gjson.String || a.Str != "" {
		return nil, namedArgument.refuse(w.near(r))
	}
	return w.aliased(r)
}

func (w *walker) exprs(rs []gjson.Result) ([]plan.Expr, error) {
	out := make([]plan.Expr, 0, len(rs))
	for _, r := range rs {
		e, err := w.expr(r)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// classes reads one class of expression each. The node's class and alias have
// been taken; everything else must be.
func (w *walker) class(name string) func(*node) (plan.Expr, error) {
	switch name {
	case "COLUMN_REF":
		return w.column
	case "CONSTANT":
		return w.constant
	case "FUNCTION":
		return w.function
	case "OPERATOR":
		return w.operator
	case "COMPARISON":
		return w.comparison
	case "CONJUNCTION":
		return w.conjunction
	case "BETWEEN":
		return w.between
	case "CASE":
		return w.caseWhen
	case "CAST":
		return w.cast
	case "PARAMETER":
		return w.parameter
	}
	return nil
}

// aliased reads an expression with or without an alias.
func (w *walker) aliased(r gjson.Result) (plan.Expr, error) {
	w.depth++
	defer func() { w.depth-- }()
	n, err := w.open(r, "expression")
	if err != nil {
		return nil, err
	}
	if w.depth > MaxDepth {
		return nil, deepNesting.refuse(n.at())
	}
	if err := w.grow(size{nodes: 1}, n.pos); err != nil {
		return nil, err
	}
	class, err := n.text("class")
	if err != nil {
		return nil, err
	}
	if c, ok := expressionClasses[class]; ok && (class != "PARAMETER" || w.template == nil) {
		return nil, c.refuse(n.at())
	}
	read := w.class(class)
	if read == nil {
		return nil, otherExpression.refuse(n.at())
	}
	n.take("alias")
	n.what = strings.ToLower(class)
	e, err := read(n)
	if err != nil {
		return nil, err
	}
	return e, n.done()
}

// expect takes the node's type and refuses any but the given ones.
func (n *node) expect(types ...string) (string, error) {
	t, err := n.text("type")
	if err != nil {
		return "", err
	}
	if !oneOf(t, types...) {
		return "", otherExpression.refuse(n.at())
	}
	return t, nil
}

func (w *walker) column(n *node) (plan.Expr, error) {
	if _, err := n.expect("COLUMN_REF"); err != nil {
		return nil, err
	}
	names, err := n.list("column_names")
	if err != nil {
		return nil, err
	}
	c := &plan.Column{Pos: n.pos}
	switch len(names) {
	case 1:
		c.Name = strings.ToLower(names[0].Str)
	case 2:
		c.Qualifier, c.Name = strings.ToLower(names[0].Str), strings.ToLower(names[1].Str)
	default:
		return nil, qualifiedName.refuse(n.at())
	}
	return c, nil
}

var comparisons = map[string]string{
	"COMPARE_EQUAL": "=", "COMPARE_NOTEQUAL": "<>",
	"COMPARE_LESSTHAN": "<", "COMPARE_LESSTHANOREQUALTO": "<=",
	"COMPARE_GREATERTHAN": ">", "COMPARE_GREATERTHANOREQUALTO": ">=",
}

func (w *walker) comparison(n *node) (plan.Expr, error) {
	t, err := n.text("type")
	if err != nil {
		return nil, err
	}
	op, ok := comparisons[t]
	switch {
	case strings.HasSuffix(t, "DISTINCT_FROM"):
		return nil, distinctFrom.refuse(n.at())
	case !ok:
		return nil, otherExpression.refuse(n.at())
	}
	args, err := w.exprs([]gjson.Result{n.take("left"), n.take("right")})
	if err != nil {
		return nil, err
	}
	return call(n.pos, op, args...), nil
}

func (w *walker) conjunction(n *node) (plan.Expr, error) {
	t, err := n.expect("CONJUNCTION_AND", "CONJUNCTION_OR")
	if err != nil {
		return nil, err
	}
	args, err := w.children(n)
	if err != nil {
		return nil, err
	}
	return call(n.pos, strings.ToLower(strings.TrimPrefix(t, "CONJUNCTION_")), args...), nil
}

func (w *walker) children(n *node) ([]plan.Expr, error) {
	list, err := n.list("children")
	if err != nil {
		return nil, err
	}
	return w.exprs(list)
}

// between becomes two comparisons. The operand stands in both; it is
// deterministic, so that it is the same twice.
func (w *walker) between(n *node) (plan.Expr, error) {
	if _, err := n.expect("COMPARE_BETWEEN"); err != nil {
		return nil, err
	}
	args, err := w.exprs([]gjson.Result{n.take("input"), n.take("lower"), n.take("upper")})
	if err != nil {
		return nil, err
	}
	return call(n.pos, "and", call(n.pos, ">=", args[0], args[1]), call(n.pos, "<=", args[0], args[2])), nil
}

func (w *walker) operator(n *node) (plan.Expr, error) {
	t, err := n.text("type")
	if err != nil {
		return nil, err
	}
	if c, ok := operatorTypes[t]; ok {
		return nil, c.refuse(n.at())
	}
	if !oneOf(t, "COMPARE_IN", "COMPARE_NOT_IN", "OPERATOR_NOT", "OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL", "OPERATOR_COALESCE") {
		return nil, otherExpression.refuse(n.at())
	}
	args, err := w.children(n)
	if err != nil {
		return nil, err
	}
	switch {
	case strings.HasSuffix(t, "_IN") && len(args) >= 2:
		return &plan.In{Arg: args[0], List: args[1:], Not: t == "COMPARE_NOT_IN", Pos: first(n.pos, args...)}, nil
	case t == "OPERATOR_NOT" && len(args) == 1:
		return call(n.pos, "not", args...), nil
	case t == "OPERATOR_IS_NULL" && len(args) == 1:
		return call(n.pos, "is null", args...), nil
	case t == "OPERATOR_IS_NOT_NULL" && len(args) == 1:
		return call(n.pos, "is not null", args...), nil
	case t == "OPERATOR_COALESCE" && len(args) >= 1:
		return call(n.pos, "coalesce", args...), nil
	}
	return nil, malformed(t)
}

func (w *walker) caseWhen(n *node) (plan.Expr, error) {
	if _, err := n.expect("CASE_EXPR"); err != nil {
		return nil, err
	}
	checks, err := n.list("case_checks")
	if err != nil {
		return nil, err
	}
	c := &plan.Case{Pos: n.pos}
	for _, r := range checks {
		arm, err := w.open(r, "WHEN")
		if err != nil {
			return nil, err
		}
		pair, err := w.exprs([]gjson.Result{arm.take("when_expr"), arm.take("then_expr")})
		if err != nil {
			return nil, err
		}
		if err := arm.done(); err != nil {
			return nil, err
		}
		c.Whens = append(c.Whens, plan.When{If: pair[0], Then: pair[1]})
	}
	if c.Else, err = w.expr(n.take("else_expr")); err != nil {
		return nil, err
	}
	if lit, ok := c.Else.(*plan.Literal); ok && lit.Value.Null {
		c.Else = nil
	}
	c.Pos = first(c.Pos, plan.Children(c)...)
	return c, nil
}

// call builds a Call that begins where its first part does: DuckDB gives the
// position of the operator.
func call(pos plan.Pos, name string, args ...plan.Expr) *plan.Call {
	return &plan.Call{Func: name, Args: args, Pos: first(pos, args...)}
}

func first(pos plan.Pos, args ...plan.Expr) plan.Pos {
	for _, a := range args {
		if p := plan.PosOf(a); p > 0 && (pos == 0 || p < pos) {
			pos = p
		}
	}
	return pos
}
