package sqlparse

import (
	"strings"

	"github.com/tidwall/gjson"

	"github.com/noised/noised/analytics/plan"
)

// from reads FROM, or one side of a join.
func (w *walker) from(r gjson.Result) (plan.From, error) {
	n, err := w.open(r, "FROM")
	if err != nil {
		return nil, err
	}
	kind, err := n.text("type")
	if err != nil {
		return nil, err
	}
	if c, ok := tableTypes[kind]; ok {
		return nil, c.refuse(max(n.at(), 1))
	}
	if err := w.without(n, sample); err != nil {
		return nil, err
	}
	var f plan.From
	switch kind {
	case "BASE_TABLE":
		f, err = w.table(n)
	case "SUBQUERY":
		f, err = w.subquery(n)
	case "JOIN":
		f, err = w.join(n)
	default:
		return nil, otherTable.refuse(n.at())
	}
	if err != nil {
		return nil, err
	}
	return f, n.done()
}

// table reads the name of a dataset, of one of its tables, or of a CTE, which
// goes before a dataset of that name.
func (w *walker) table(n *node) (plan.From, error) {
	if err := w.without(n, catalogName, columnRename, timeTravel); err != nil {
		return nil, err
	}
	schema, err := n.text("schema_name")
	if err != nil {
		return nil, err
	}
	name, err := n.text("table_name")
	if err != nil {
		return nil, err
	}
	alias, err := n.text("alias")
	if err != nil {
		return nil, err
	}
	schema, name, alias = strings.ToLower(schema), strings.ToLower(name), strings.ToLower(alias)
	if schema == "" {
		if c, ok := w.ctes.find(name); ok {
			if alias == "" {
				alias = name
			}
			return &plan.Subquery{Select: c.sel, Alias: alias, Pos: n.pos}, w.grow(c.size, n.at())
		}
		return &plan.Table{Dataset: name, Alias: alias, Pos: n.pos}, w.grow(size{tables: 1}, n.at())
	}
	return &plan.Table{Dataset: schema, Name: name, Alias: alias, Pos: n.pos}, w.grow(size{tables: 1}, n.at())
}

// subquery reads a SELECT in FROM. DuckDB does not mark LATERAL: a name within
// that is meant to come from outside finds nothing there when the subquery is
// reduced.
func (w *walker) subquery(n *node) (plan.From, error) {
	if err := w.without(n, columnRename); err != nil {
		return nil, err
	}
	alias, err := n.text("alias")
	if err != nil {
		return nil, err
	}
	at := n.at() // DuckDB gives a subquery no position of its own
	sel, err := w.nested(n.take("subquery"), at)
	if err != nil {
		return nil, err
	}
	return &plan.Subquery{Select: sel, Alias: strings.ToLower(alias), Pos: at}, nil
}

// nested reads the statement of a subquery or of a CTE.
func (w *walker) nested(r gjson.Result, at plan.Pos) (*plan.Select, error) {
	w.level++
	defer func() { w.level-- }()
	if w.level > MaxSubqueries {
		return nil, deepSubqueries.refuse(at)
	}
	st, err := w.open(r, "subquery")
	if err != nil {
		return nil, err
	}
	if len(st.take("named_param_map").Array()) != 0 && w.template == nil {
		return nil, parameters.refuse(w.firstParameter())
	}
	before := w.size.depth
	w.size.depth = 0
	sel, err := w.selectNode(st.take("node"))
	if err != nil {
		return nil, err
	}
	w.size.depth = max(before, w.size.depth+1)
	return sel, st.done()
}

// joinKinds are the ref_types of a join that are refused by name.
var joinKinds = map[string]construct{"NATURAL": naturalJoin, "ASOF": asofJoin, "POSITIONAL": positionalJoin, "DEPENDENT": lateralJoin}

// join reads a comma, CROSS JOIN, INNER JOIN or LEFT JOIN.
func (w *walker) join(n *node) (plan.From, error) {
	// Joins nest to the left. Counting them on the way down keeps a chain of
	// thousands from being scanned once per level.
	w.joins++
	defer func() { w.joins-- }()
	if w.joins >= MaxTables {
		return nil, manyTables.refuse(n.at())
	}
	kind, err := n.text("ref_type")
	if err != nil {
		return nil, err
	}
	how, err := n.text("join_type")
	if err != nil {
		return nil, err
	}
	switch c, known := joinKinds[kind]; {
	case known:
		return nil, c.refuse(n.at())
	case !oneOf(kind, "REGULAR", "CROSS"), !oneOf(how, "INNER", "LEFT"):
		return nil, otherJoin.refuse(n.at())
	}
	if err := w.without(n, joinAlias, construct{field: "delim_flipped", name: otherJoin.name}, construct{field: "duplicate_eliminated_columns", name: otherJoin.name}); err != nil {
		return nil, err
	}
	j := &plan.Join{Outer: how == "LEFT", Pos: n.pos}
	if j.Left, err = w.from(n.take("left")); err != nil {
		return nil, err
	}
	if j.Right, err = w.from(n.take("right")); err != nil {
		return nil, err
	}
	if j.On, err = w.optional(n.take("condition")); err != nil {
		return nil, err
	}
	using, err := n.list("using_columns")
	if err != nil {
		return nil, err
	}
	for _, u := range using {
		j.Using = append(j.Using, strings.ToLower(u.Str))
	}
	if j.Outer && j.On == nil && len(j.Using) == 0 {
		return nil, otherJoin.refuse(n.at())
	}
	return j, nil
}

// size measures what a query unfolds into once its CTEs are written out.
type size struct {
	nodes  int // of expressions
	tables int
	depth  int // of subqueries
}

// grow counts a part of the query, and refuses one that is too large.
func (w *walker) grow(by size, at plan.Pos) error {
	w.size.nodes += by.nodes
	w.size.tables += by.tables
	w.size.depth = max(w.size.depth, by.depth)
	switch {
	case w.size.tables > MaxTables:
		return manyTables.refuse(at)
	case w.size.nodes > MaxNodes:
		return manyNodes.refuse(at)
	case w.level+by.depth > MaxSubqueries:
		return deepSubqueries.refuse(at)
	}
	return nil
}

// cte is one entry of WITH, and those that it may refer to: they are a list
// from the innermost and latest outwards.
type cte struct {
	name  string
	sel   *plan.Select
	size  size
	outer *cte
}

func (c *cte) find(name string) (*cte, bool) {
	for ; c != nil; c = c.outer {
		if c.name == name {
			return c, true
		}
	}
	return nil, false
}

// with reads WITH. Every entry must be permitted, used or not; it sees those
// before it. An entry is read once, and counted each time that it is used, so
// that a chain in which each uses the one before twice costs nothing to refuse.
// Whether it would be materialized makes no difference to what it is.
func (w *walker) with(r gjson.Result) error {
	m, err := w.open(r, "WITH")
	if err != nil {
		return err
	}
	entries, err := m.list("map")
	if err != nil {
		return err
	}
	first := w.ctes
	for _, r := range entries {
		e, err := w.open(r, "WITH")
		if err != nil {
			return err
		}
		c := &cte{outer: w.ctes}
		if c.name, err = e.text("key"); err != nil {
			return err
		}
		c.name = strings.ToLower(c.name)
		if same, ok := w.ctes.find(c.name); ok && same.within(first) {
			return sameName.refuse(w.near(r))
		}
		before := w.size
		w.size = size{}
		if c.sel, err = w.entry(e.take("value")); err != nil {
			return err
		}
		c.size, w.size = w.size, before
		if err := e.done(); err != nil {
			return err
		}
		w.ctes = c
	}
	return m.done()
}

// within reports whether c was added after a given end of the list.
func (c *cte) within(end *cte) bool {
	for ; end != nil; end = end.outer {
		if c == end {
			return false
		}
	}
	return true
}

func (w *walker) entry(r gjson.Result) (*plan.Select, error) {
	n, err := w.open(r, "WITH")
	if err != nil {
		return nil, err
	}
	n.take("materialized")
	if err := w.without(n, construct{field: "aliases", name: columnRename.name, instead: columnRename.instead}, recursionKeys); err != nil {
		return nil, err
	}
	sel, err := w.nested(n.take("query"), n.at())
	if err != nil {
		return nil, err
	}
	return sel, n.done()
}
