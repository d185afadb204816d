package sqlparse

import (
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/noised/noised/analytics/plan"
)

// aggregates are the names that become a plan.Aggregate. The planner permits
// some of them; the others are here so that it can say that they are
// aggregates which it does not permit.
var aggregates = []string{
	"count", "sum", "avg", "min", "max", "median", "var_pop", "var_samp", "variance", "stddev", "stddev_pop", "stddev_samp",
	"quantile", "quantile_cont", "quantile_disc", "mode", "any_value", "first", "last", "arg_min", "arg_max", "list",
	"array_agg", "string_agg", "group_concat", "bool_and", "bool_or", "count_if", "product", "approx_count_distinct",
	"approx_quantile", "corr", "covar_pop", "covar_samp", "histogram", "entropy", "kurtosis", "skewness", "fsum", "kahan_sum",
}

// spellings maps further names of a function to the one that plans use.
var spellings = map[string]string{
	"mean": "avg", "countif": "count_if", "variance": "var_samp", "stddev": "stddev_samp",
	"substr": "substring", "ceiling": "ceil", "len": "length", "char_length": "length", "character_length": "length",
	"lcase": "lower", "ucase": "upper", "mod": "%", "divide": "//", "add": "+", "subtract": "-", "multiply": "*",
	"^@": "starts_with", "@": "abs", "datetrunc": "date_trunc", "date_part": "date_part", "datepart": "date_part",
	"dayofmonth": "day", "weekday": "dayofweek", "prefix": "starts_with",
}

// dateParts maps the parts of extract and date_part to functions.
var dateParts = map[string]string{
	"year": "year", "quarter": "quarter", "month": "month", "day": "day", "dow": "dayofweek", "dayofweek": "dayofweek", "weekday": "dayofweek",
}

// function reads calls, operators and aggregates, which DuckDB writes alike.
func (w *walker) function(n *node) (plan.Expr, error) {
	if _, err := n.expect("FUNCTION"); err != nil {
		return nil, err
	}
	name, err := w.functionName(n)
	if err != nil {
		return nil, err
	}
	if err := w.without(n, exportState); err != nil {
		return nil, err
	}
	n.take("is_operator") // syntax only: "+"(a, b) is a + b
	distinct, err := n.flag("distinct")
	if err != nil {
		return nil, err
	}
	orders := n.take("order_bys").Get("orders").Array()
	filter, err := w.optional(n.take("filter"))
	if err != nil {
		return nil, err
	}
	// COUNT(DISTINCT *) is written with a star, which children refuses.
	args, err := w.children(n)
	if err != nil {
		return nil, err
	}
	if args, err = w.withinGroup(n, name, args, orders); err != nil {
		return nil, err
	}
	if distinct && !oneOf(name, "count", "count_star") {
		upper := strings.ToUpper(shorten(name))
		return nil, construct{name: upper + "(DISTINCT …)", instead: "use " + upper + "(…) without DISTINCT"}.refuse(n.pos)
	}
	if name == "count_star" && len(args) == 0 {
		return &plan.Aggregate{Func: "count", Star: true, Distinct: distinct, Filter: filter, Pos: n.pos}, nil
	}
	if distinct || filter != nil || slices.Contains(aggregates, name) {
		return &plan.Aggregate{Func: name, Distinct: distinct, Args: args, Filter: filter, Pos: n.pos}, nil
	}
	return simplify(call(n.pos, name, args...)), nil
}

// withinGroup reads ORDER BY inside an aggregate, which a quantile has: DuckDB
// writes PERCENTILE_CONT(q) WITHIN GROUP (ORDER BY x) as QUANTILE_CONT(q ORDER
// BY x). In a plan it is QUANTILE_CONT(x, q).
func (w *walker) withinGroup(n *node, name string, args []plan.Expr, orders []gjson.Result) ([]plan.Expr, error) {
	if len(orders) == 0 {
		return args, nil
	}
	if !oneOf(name, "quantile_cont", "quantile_disc") {
		return nil, aggregateOrder.refuse(n.at())
	}
	o, err := w.open(orders[0], "ORDER BY")
	if err != nil {
		return nil, err
	}
	direction, nulls, by := o.take("type").Str, o.take("null_order").Str, o.take("expression")
	if err := o.done(); err != nil {
		return nil, err
	}
	if len(orders) != 1 || len(args) != 1 || !oneOf(direction, "ORDER_DEFAULT", "ASCENDING") || nulls != "ORDER_DEFAULT" {
		return nil, quantileOrder.refuse(n.at())
	}
	x, err := w.expr(by)
	if err != nil {
		return nil, err
	}
	return []plan.Expr{x, args[0]}, nil
}

// functionName takes the function's name, in lower case and in one spelling.
// The schema "main" is what DuckDB itself writes for trim, extract and others.
func (w *walker) functionName(n *node) (string, error) {
	name, err := n.text("function_name")
	if err != nil {
		return "", err
	}
	name = strings.ToLower(name)
	schema, err := n.text("schema")
	if err != nil {
		return "", err
	}
	catalog, err := n.text("catalog")
	if err != nil {
		return "", err
	}
	if !oneOf(schema, "", "main") || catalog != "" {
		return "", functionSchema.refuse(n.at())
	}
	if c, ok := functions[name]; ok {
		return "", c.refuse(n.at())
	}
	if s, ok := spellings[name]; ok {
		name = s
	}
	return name, nil
}

// simplify rewrites calls that are another spelling of a simpler one.
func simplify(c *plan.Call) plan.Expr {
	switch {
	case c.Func == "+" && len(c.Args) == 1:
		return c.Args[0]
	case c.Func == "~~":
		c.Func = "like"
	case c.Func == "!~~":
		c.Func = "like"
		return &plan.Call{Func: "not", Args: []plan.Expr{c}, Pos: c.Pos}
	case c.Func == "date_part" && len(c.Args) == 2:
		lit, ok := c.Args[0].(*plan.Literal)
		if ok && dateParts[strings.ToLower(lit.Value.Str)] != "" {
			return &plan.Call{Func: dateParts[strings.ToLower(lit.Value.Str)], Args: c.Args[1:], Pos: c.Pos}
		}
	}
	return c
}

// shorten bounds what a message repeats of a name.
func shorten(name string) string {
	if r := []rune(name); len(r) > 64 {
		return string(r[:64]) + "…"
	}
	return name
}
