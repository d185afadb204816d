package plan

// Expr is a scalar expression. The set of nodes is closed.
//
//sumtype:decl
type Expr interface{ expr() }

// Pos is the 1-based character of the SQL text where a node begins; 0 when
// unknown.
type Pos int

// Column refers to a column by name. Before binding, Qualifier holds what was
// written before the dot and Type is unknown; after binding, Qualifier is the
// Source.Alias that the column belongs to (empty in a plan of one source) and
// Type is the contract's.
type Column struct {
	Qualifier string
	Name      string
	Type      Type
	Pos       Pos
}

// Literal is a constant.
type Literal struct {
	Value Value
	Pos   Pos
}

// Call applies a function or operator of the allow-list, by its lower-case
// name: "+", "-", "*", "/", "//", "%", "=", "<>", "<", "<=", ">", ">=", "and",
// "or", "not", "is null", "is not null", "like", "abs", "coalesce", ….
// "and" and "or" take two or more arguments; unary minus is "-" with one.
type Call struct {
	Func string
	Args []Expr
	Pos  Pos
}

// In tests membership in a list of expressions.
type In struct {
	Arg  Expr
	List []Expr
	Not  bool
	Pos  Pos
}

// When is one arm of a Case.
type When struct{ If, Then Expr }

// Case is a searched CASE. Else may be nil, which means NULL.
type Case struct {
	Whens []When
	Else  Expr
	Pos   Pos
}

// Cast converts to a type; a value that does not fit becomes NULL.
type Cast struct {
	Arg Expr
	To  Type
	Pos Pos
}

// Aggregate is an aggregate call as written; it occurs only in a Select.
type Aggregate struct {
	Func     string // lower case: "count", "sum", "avg", …
	Star     bool   // COUNT(*)
	Distinct bool
	Args     []Expr
	Filter   Expr // FILTER (WHERE …); nil when absent
	Pos      Pos
}

// AggRef refers to Bound.Aggs[Index]; it occurs only in the view of a Bound.
type AggRef struct{ Index int }

// KeyRef refers to Bound.Keys[Index]; it occurs only in the view of a Bound.
type KeyRef struct{ Index int }

// OutputRef refers to an output column by its position, as ORDER BY 2 and
// ORDER BY alias do; it occurs only in ORDER BY of a Bound.
type OutputRef struct{ Index int }

func (*Column) expr()    {}
func (*Literal) expr()   {}
func (*Call) expr()      {}
func (*In) expr()        {}
func (*Case) expr()      {}
func (*Cast) expr()      {}
func (*Aggregate) expr() {}
func (*AggRef) expr()    {}
func (*KeyRef) expr()    {}
func (*OutputRef) expr() {}

// PosOf returns where a node begins in the SQL text, 0 when unknown.
func PosOf(e Expr) Pos {
	switch e := e.(type) {
	case *Column:
		return e.Pos
	case *Literal:
		return e.Pos
	case *Call:
		return e.Pos
	case *In:
		return e.Pos
	case *Case:
		return e.Pos
	case *Cast:
		return e.Pos
	case *Aggregate:
		return e.Pos
	case *AggRef, *KeyRef, *OutputRef:
		return 0
	}
	return 0
}

// Children returns the direct operands of a node, in order, without nils.
func Children(e Expr) []Expr {
	var kids []Expr
	add := func(es ...Expr) {
		for _, k := range es {
			if k != nil {
				kids = append(kids, k)
			}
		}
	}
	switch e := e.(type) {
	case *Call:
		add(e.Args...)
	case *In:
		add(e.Arg)
		add(e.List...)
	case *Case:
		for _, w := range e.Whens {
			add(w.If, w.Then)
		}
		add(e.Else)
	case *Cast:
		add(e.Arg)
	case *Aggregate:
		add(e.Args...)
		add(e.Filter)
	case *Column, *Literal, *AggRef, *KeyRef, *OutputRef:
	}
	return kids
}

// Walk calls visit on e and its operands, depth first, parents before
// children. It does not descend below a node for which visit returns false.
func Walk(e Expr, visit func(Expr) bool) {
	if e == nil || !visit(e) {
		return
	}
	for _, k := range Children(e) {
		Walk(k, visit)
	}
}
