package binding

import (
	"github.com/noised/noised/analytics/canon"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/refusal"
)

// Binder resolves the names and types of one expression. It serves rows and
// views, which differ in their functions, in what a name and an aggregate
// mean, and in that numbers of a view mix without casts.
type Binder struct {
	Place string // for messages: "WHERE", "the SELECT list", …
	View  bool   // plan.ViewFunctions are permitted, and not plan.RowFunctions
	// Column and Aggregate return what a name and an aggregate mean in this place.
	Column    func(*plan.Column) (plan.Expr, error)
	Aggregate func(*plan.Aggregate) (plan.Expr, error)
	// TypeOf returns the type of what these have returned; nil where it is always a
	// column, which says itself.
	TypeOf func(plan.Expr) plan.Type

	// Known answers for whole expressions before they are looked into; nil for
	// none.
	Known func(plan.Expr) (plan.Expr, bool)
	// After hears of every node that has been bound, or could not be; nil for
	// nobody.
	After func(written, bound plan.Expr, err error)
}

// Bind returns a bound and simplified copy of e. Its errors point at e when
// nothing within has a position: a reference to a key or an aggregate has none.
func (b *Binder) Bind(e plan.Expr) (plan.Expr, error) {
	x, err := b.node(e)
	if b.After != nil {
		b.After(e, x, err)
	}
	if err != nil {
		return nil, refusal.Located(err, plan.PosOf(e))
	}
	return x, nil
}

func (b *Binder) node(e plan.Expr) (plan.Expr, error) {
	if b.Known != nil {
		if x, ok := b.Known(e); ok {
			return x, nil
		}
	}
	switch e := e.(type) {
	case *plan.Column:
		return b.Column(e)
	case *plan.Literal:
		return &plan.Literal{Value: e.Value, Pos: e.Pos}, nil
	case *plan.Aggregate:
		return b.Aggregate(e)
	case *plan.Call:
		return b.call(e)
	case *plan.In:
		return b.in(e)
	case *plan.Case:
		return b.caseWhen(e)
	case *plan.Cast:
		return b.cast(e)
	case *plan.AggRef, *plan.KeyRef, *plan.OutputRef:
	}
	return nil, refusal.New(plan.PosOf(e), "this expression is not permitted in %s", b.Place)
}

func (b *Binder) all(es []plan.Expr) ([]plan.Expr, error) {
	out := make([]plan.Expr, len(es))
	for i, e := range es {
		x, err := b.Bind(e)
		if err != nil {
			return nil, err
		}
		out[i] = x
	}
	return out, nil
}

// Condition binds an expression that must be boolean.
func (b *Binder) Condition(e plan.Expr) (plan.Expr, error) {
	x, err := b.Bind(e)
	if err != nil {
		return nil, err
	}
	if x, err = b.Boolean(x); err != nil {
		return nil, refusal.Located(err, plan.PosOf(e))
	}
	return x, nil
}

// Boolean returns a bound expression that is a condition, or an error.
func (b *Binder) Boolean(x plan.Expr) (plan.Expr, error) {
	switch t := b.Kind(x); {
	case t.Kind == plan.KindBoolean:
		return x, nil
	case canon.IsNull(x):
		return &plan.Literal{Value: plan.Null(plan.Of(plan.KindBoolean)), Pos: plan.PosOf(x)}, nil
	default:
		return nil, refusal.New(plan.PosOf(x), "a value of type %s is not permitted as a condition in %s", t, b.Place).Suggest("compare it with a value")
	}
}

func (b *Binder) in(e *plan.In) (plan.Expr, error) {
	args, err := b.all(append([]plan.Expr{e.Arg}, e.List...))
	if err != nil {
		return nil, err
	}
	for _, item := range args[1:] {
		if lit, ok := item.(*plan.Literal); !ok || lit.Value.Null {
			return nil, refusal.New(plan.PosOf(item), "an IN list with anything but constants is not permitted").Suggest("use comparisons with OR, and IS NULL")
		}
	}
	if err := b.unify(args, "IN"); err != nil {
		return nil, err
	}
	return canon.Simplify(&plan.In{Arg: args[0], List: args[1:], Not: e.Not, Pos: e.Pos}), nil
}

func (b *Binder) caseWhen(e *plan.Case) (plan.Expr, error) {
	out := &plan.Case{Pos: e.Pos}
	for _, w := range e.Whens {
		cond, err := b.Condition(w.If)
		if err != nil {
			return nil, err
		}
		then, err := b.Bind(w.Then)
		if err != nil {
			return nil, err
		}
		out.Whens = append(out.Whens, plan.When{If: cond, Then: then})
	}
	if e.Else != nil {
		x, err := b.Bind(e.Else)
		if err != nil {
			return nil, err
		}
		out.Else = x
	}
	all := Results(out)
	if err := b.unify(all, "CASE"); err != nil {
		return nil, err
	}
	for i := range out.Whens {
		out.Whens[i].Then = all[i]
	}
	if out.Else != nil {
		out.Else = all[len(all)-1]
	}
	if out.Else != nil && canon.IsNull(out.Else) {
		out.Else = nil
	}
	return out, nil
}
