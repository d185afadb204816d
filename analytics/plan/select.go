package plan

// Select is a query as written: one SELECT over one relation, with names and
// types not yet resolved.
type Select struct {
	From    Relation
	Where   Expr // nil when absent
	GroupBy []Expr
	Items   []Item
	Having  Expr // nil when absent
	OrderBy []Order
	Limit   *int64 // nil when absent
	Offset  int64
}

// Relation is the dataset that a Select reads.
type Relation struct {
	Dataset string
	Alias   string // empty when absent
	Pos     Pos
}

// Item is one expression of the SELECT list.
type Item struct {
	Expr  Expr
	Alias string // empty when absent
	Pos   Pos
}

// Order is one expression of ORDER BY. NULLs come last unless NullsFirst.
type Order struct {
	Expr       Expr
	Desc       bool
	NullsFirst bool
}
