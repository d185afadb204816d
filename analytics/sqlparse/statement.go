package sqlparse

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// walker reads one tree.
type walker struct {
	text  string
	pos   positions
	depth int  // of the expression
	level int  // of subqueries
	joins int  // of the joins around
	ctes  *cte // that are in scope; the innermost and latest first
	size  size // of what has been read

	template *template // nil: the text has no parameters
}

// document reads the whole answer of json_serialize_sql.
func (w *walker) document(doc gjson.Result) (*plan.Select, error) {
	w.pos = newPositions(w.text)
	if doc.Get("error").Type != gjson.False {
		return nil, w.failure(doc)
	}
	statements := doc.Get("statements")
	switch {
	case !statements.IsArray():
		return nil, malformed("document")
	case statements.Get("#").Int() == 0:
		return nil, noStatement.refuse(1)
	case statements.Get("#").Int() > 1:
		return nil, severalQueries.refuse(w.near(statements.Get("1")))
	}
	st, err := w.open(statements.Get("0"), "statement")
	if err != nil {
		return nil, err
	}
	if len(st.take("named_param_map").Array()) != 0 && w.template == nil {
		return nil, parameters.refuse(w.firstParameter())
	}
	body := st.take("node")
	if err := st.done(); err != nil {
		return nil, err
	}
	return w.selectNode(body)
}

// firstParameter guesses: DuckDB does not say where a parameter stands.
func (w *walker) firstParameter() plan.Pos {
	if i := strings.IndexAny(w.text, "?$"); i >= 0 {
		return w.pos.of(uint64(i))
	}
	return 0
}

// maxMessage bounds what is repeated of a parser's message, which may quote a
// large part of the text.
const maxMessage = 200

// failure translates DuckDB's parse error.
func (w *walker) failure(doc gjson.Result) error {
	message := doc.Get("error_message").Str
	if doc.Get("error_type").Str != "parser" {
		if strings.HasPrefix(message, "Only SELECT") {
			return otherStatement.refuse(1)
		}
		return unsupported.refuse(1)
	}
	if strings.HasPrefix(message, "Max expression depth") {
		return deepNesting.refuse(1)
	}
	if runes := []rune(message); len(runes) > maxMessage {
		message = string(runes[:maxMessage]) + "…"
	}
	err := privacy.Errorf(privacy.CodeSQLSyntax, "%s", message)
	if offset, e := strconv.ParseUint(doc.Get("position").String(), 10, 64); e == nil {
		err = err.At(int(w.pos.of(offset)))
	}
	return err
}

// selectNode reads a SELECT.
func (w *walker) selectNode(r gjson.Result) (*plan.Select, error) {
	n, err := w.open(r, "query")
	if err != nil {
		return nil, err
	}
	switch kind, err := n.text("type"); {
	case err != nil:
		return nil, err
	case kind == "SET_OPERATION_NODE":
		return nil, setOperation.refuse(n.at())
	case kind == "RECURSIVE_CTE_NODE":
		return nil, recursion.refuse(n.at())
	case kind != "SELECT_NODE":
		return nil, otherNode.refuse(n.at())
	}
	outer, joins := w.ctes, w.joins
	defer func() { w.ctes, w.joins = outer, joins }()
	w.joins = 0
	if err := w.with(n.take("cte_map")); err != nil {
		return nil, err
	}
	sel := &plan.Select{}
	// FROM comes first: what DESCRIBE and VALUES write is not a star that
	// somebody typed.
	if sel.From, err = w.from(n.take("from_table")); err != nil {
		return nil, err
	}
	if err := w.without(n, sample, qualify); err != nil {
		return nil, err
	}
	for _, part := range []func(*node, *plan.Select) error{w.items, w.where, w.groupBy, w.having, w.modifiers} {
		if err := part(n, sel); err != nil {
			return nil, err
		}
	}
	return sel, n.done()
}

func (w *walker) items(n *node, sel *plan.Select) error {
	list, err := n.list("select_list")
	if err != nil {
		return err
	}
	_, table := sel.From.(*plan.Table)
	for _, r := range list {
		if r.Get("class").Str == "STAR" && (w.level > 0 || !table) {
			it, err := w.star(r)
			if err != nil {
				return err
			}
			sel.Items = append(sel.Items, it)
			continue
		}
		alias := r.Get("alias").Str
		e, err := w.aliased(r)
		if err != nil {
			return err
		}
		sel.Items = append(sel.Items, plan.Item{Expr: e, Alias: alias, Pos: plan.PosOf(e)})
	}
	return nil
}

// star reads * or t.* in the SELECT list of a subquery, or over one. Over a
// dataset alone it would be its rows.
func (w *walker) star(r gjson.Result) (plan.Item, error) {
	n, err := w.open(r, "*")
	if err != nil {
		return plan.Item{}, err
	}
	n.take("class")
	n.take("type")
	relation, err := n.text("relation_name")
	if err != nil {
		return plan.Item{}, err
	}
	for _, field := range []string{"alias", "exclude_list", "replace_list", "qualified_exclude_list", "rename_list", "columns", "expr"} {
		if !absent(n.take(field)) {
			return plan.Item{}, star.refuse(n.at())
		}
	}
	c := &plan.Column{Qualifier: strings.ToLower(relation), Name: "*", Pos: n.pos}
	return plan.Item{Expr: c, Pos: n.pos, Star: true}, n.done()
}

func (w *walker) where(n *node, sel *plan.Select) (err error) {
	sel.Where, err = w.optional(n.take("where_clause"))
	return err
}

func (w *walker) having(n *node, sel *plan.Select) (err error) {
	sel.Having, err = w.optional(n.take("having"))
	return err
}

// groupBy reads GROUP BY. GROUP BY ALL becomes the list of items without an
// aggregate.
func (w *walker) groupBy(n *node, sel *plan.Select) error {
	exprs, err := n.list("group_expressions")
	if err != nil {
		return err
	}
	sets, err := n.list("group_sets")
	if err != nil {
		return err
	}
	handling, err := n.text("aggregate_handling")
	if err != nil {
		return err
	}
	switch {
	case handling == "FORCE_AGGREGATES" && len(exprs) == 0 && len(sets) == 0:
		if i := slices.IndexFunc(sel.Items, func(it plan.Item) bool { return it.Star }); i >= 0 {
			return star.refuse(sel.Items[i].Pos)
		}
		var aggregate bool
		if sel.GroupBy, aggregate = groupAll(sel.Items); len(sel.GroupBy) == 0 && !aggregate {
			return groupSets.refuse(n.at()) // it is GROUP BY () here
		}
		return nil
	case handling != "STANDARD_HANDLING", !plainGrouping(sets, len(exprs)):
		return groupSets.refuse(n.at())
	}
	for _, r := range exprs {
		e, err := w.expr(r)
		if err != nil {
			return err
		}
		sel.GroupBy = append(sel.GroupBy, e)
	}
	return nil
}

// plainGrouping reports whether the grouping sets are what GROUP BY a, b
// writes: none without keys, else one set with all of them.
func plainGrouping(sets []gjson.Result, keys int) bool {
	if keys == 0 {
		return len(sets) == 0
	}
	if len(sets) != 1 {
		return false
	}
	set := sets[0].Array()
	for i, k := range set {
		if k.Uint() != uint64(i) {
			return false
		}
	}
	return len(set) == keys
}

// groupAll returns the items without an aggregate, and whether another has one.
func groupAll(items []plan.Item) (keys []plan.Expr, aggregates bool) {
	for _, it := range items {
		aggregate, column := false, false
		plan.Walk(it.Expr, func(e plan.Expr) bool {
			switch e.(type) {
			case *plan.Aggregate:
				aggregate = true
			case *plan.Column:
				column = true
			default:
			}
			return true
		})
		if column && !aggregate {
			keys = append(keys, it.Expr)
		}
		aggregates = aggregates || aggregate
	}
	return keys, aggregates
}

// modifiers reads ORDER BY, LIMIT and OFFSET.
func (w *walker) modifiers(n *node, sel *plan.Select) error {
	list, err := n.list("modifiers")
	if err != nil {
		return err
	}
	for _, r := range list {
		m, err := w.open(r, "clause")
		if err != nil {
			return err
		}
		kind, err := m.text("type")
		if err != nil {
			return err
		}
		switch kind {
		case "ORDER_MODIFIER":
			err = w.orderBy(m, sel)
		case "LIMIT_MODIFIER":
			err = w.limit(m, sel)
		case "DISTINCT_MODIFIER":
			at := plan.Pos(1) // where the statement begins; DuckDB gives none
			if w.level > 0 {
				at = max(sel.Items[0].Pos, 1)
			}
			err = distinct.refuse(at)
		case "LIMIT_PERCENT_MODIFIER":
			err = percentLimit.refuse(w.near(m.take("limit")))
		default:
			err = otherModifier.refuse(m.at())
		}
		if err != nil {
			return err
		}
		if err := m.done(); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) orderBy(m *node, sel *plan.Select) error {
	orders, err := m.list("orders")
	if err != nil {
		return err
	}
	for _, r := range orders {
		o, err := w.open(r, "ORDER BY")
		if err != nil {
			return err
		}
		direction, nulls, e := o.take("type").Str, o.take("null_order").Str, o.take("expression")
		if err := o.done(); err != nil {
			return err
		}
		if e.Get("class").Str == "STAR" && e.Get("columns").Bool() {
			return orderAll.refuse(w.near(e))
		}
		x, err := w.expr(e)
		if err != nil {
			return err
		}
		order := plan.Order{Expr: x, Desc: direction == "DESCENDING", NullsFirst: nulls == "NULLS FIRST"}
		if !oneOf(direction, "ORDER_DEFAULT", "ASCENDING", "DESCENDING") || !oneOf(nulls, "ORDER_DEFAULT", "NULLS FIRST", "NULLS LAST") {
			return otherModifier.refuse(plan.PosOf(x))
		}
		sel.OrderBy = append(sel.OrderBy, order)
	}
	return nil
}

func (w *walker) limit(m *node, sel *plan.Select) error {
	limit, err := w.rowCount(m.take("limit"))
	if err != nil {
		return err
	}
	offset, err := w.rowCount(m.take("offset"))
	if err != nil {
		return err
	}
	sel.Limit = limit
	if offset != nil {
		sel.Offset = *offset
	}
	return nil
}

// rowCount reads the constant of LIMIT or OFFSET; nil for none and for ALL.
func (w *walker) rowCount(r gjson.Result) (*int64, error) {
	e, err := w.optional(r)
	if e == nil || err != nil {
		return nil, err
	}
	lit, ok := e.(*plan.Literal)
	switch {
	case ok && lit.Value.Null:
		return nil, nil
	case ok && lit.Value.Type.IsInteger() && lit.Value.Int >= 0:
		return &lit.Value.Int, nil
	}
	return nil, limitValue.refuse(plan.PosOf(e))
}

func oneOf(s string, allowed ...string) bool {
	for _, a := range allowed {
		if s == a {
			return true
		}
	}
	return false
}
