package plan

import "fmt"

// Select is a query as written: one SELECT over what From names, with names and
// types not yet resolved. CTEs are written out where they are used.
type Select struct {
	From    From
	Where   Expr // nil when absent
	GroupBy []Expr
	Items   []Item
	Having  Expr // nil when absent
	OrderBy []Order
	Limit   *int64 // nil when absent
	Offset  int64
}

// From is what a Select reads. The set of nodes is closed.
//
//sumtype:decl
type From interface{ from() }

// Table is a table of a dataset; a dataset of one table has that one's Name
// empty.
type Table struct {
	Dataset string
	Name    string // what follows the dot in tpch.orders
	Alias   string // empty when absent
	Pos     Pos
}

// Subquery is a SELECT in FROM, or a CTE where it is used.
type Subquery struct {
	Select *Select
	Alias  string
	Pos    Pos
}

// Join joins two relations. On is nil for a comma and CROSS JOIN, whose
// conditions stand in WHERE.
type Join struct {
	Left, Right From
	Outer       bool     // LEFT JOIN: rows of Left without a partner stay
	On          Expr     // nil when absent
	Using       []string // columns of USING (…)
	Pos         Pos
}

func (*Table) from()    {}
func (*Subquery) from() {}
func (*Join) from()     {}

// Tables returns every table that a relation reads, in the order of the text.
func Tables(f From) []*Table {
	switch f := f.(type) {
	case *Table:
		return []*Table{f}
	case *Subquery:
		return Tables(f.Select.From)
	case *Join:
		return append(Tables(f.Left), Tables(f.Right)...)
	}
	return nil
}

// Item is one expression of the SELECT list.
type Item struct {
	Expr  Expr
	Alias string // empty when absent
	Pos   Pos
	// Star stands for all columns that FROM has, or those of the relation that
	// qualifies Expr, which is then a Column. Reducing writes them out.
	Star bool
}

// OutputName returns the name of an item that has no alias, at a 1-based
// position of the SELECT list.
func OutputName(e Expr, position int) string {
	switch e := e.(type) {
	case *Column:
		return e.Name
	case *Aggregate:
		if e.Star || len(e.Args) == 0 {
			return e.Func
		}
		if c, ok := e.Args[0].(*Column); ok {
			return e.Func + "_" + c.Name
		}
		return e.Func
	default:
		return fmt.Sprintf("column_%d", position)
	}
}

// Order is one expression of ORDER BY. NULLs come last unless NullsFirst.
type Order struct {
	Expr       Expr
	Desc       bool
	NullsFirst bool
}
