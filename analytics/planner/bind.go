package planner

import (
	"slices"
	"strings"

	"github.com/noised/noised/analytics/canon"
	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/refusal"
	"github.com/noised/noised/analytics/roweval"
)

// binder resolves the names and types of one expression. It serves rows and
// views, which differ in their functions, in what a name and an aggregate
// mean, and in that numbers of a view mix without casts.
type binder struct {
	functions []plan.Function
	place     string // for messages: "WHERE", "the SELECT list", …
	view      bool
	column    func(*plan.Column) (plan.Expr, error)
	aggregate func(*plan.Aggregate) (plan.Expr, error)
	typeOf    func(plan.Expr) plan.Type // of a bound leaf

	// known answers for whole expressions before they are looked into; nil for
	// none.
	known func(plan.Expr) (plan.Expr, bool)
	// after hears of every node that has been bound, or could not be; nil for
	// nobody.
	after func(written, bound plan.Expr, err error)
}

// bind returns a bound and simplified copy of e. Its errors point at e when
// nothing within has a position: a reference to a key or an aggregate has none.
func (b *binder) bind(e plan.Expr) (plan.Expr, error) {
	x, err := b.node(e)
	if b.after != nil {
		b.after(e, x, err)
	}
	if err != nil {
		return nil, refusal.Located(err, plan.PosOf(e))
	}
	return x, nil
}

func (b *binder) node(e plan.Expr) (plan.Expr, error) {
	if b.known != nil {
		if x, ok := b.known(e); ok {
			return x, nil
		}
	}
	switch e := e.(type) {
	case *plan.Column:
		return b.column(e)
	case *plan.Literal:
		return &plan.Literal{Value: e.Value, Pos: e.Pos}, nil
	case *plan.Aggregate:
		return b.aggregate(e)
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
	return nil, refusal.New(plan.PosOf(e), "this expression is not permitted in %s", b.place)
}

func (b *binder) all(es []plan.Expr) ([]plan.Expr, error) {
	out := make([]plan.Expr, len(es))
	for i, e := range es {
		x, err := b.bind(e)
		if err != nil {
			return nil, err
		}
		out[i] = x
	}
	return out, nil
}

// condition binds an expression that must be boolean.
func (b *binder) condition(e plan.Expr) (plan.Expr, error) {
	x, err := b.bind(e)
	if err != nil {
		return nil, err
	}
	if x, err = b.boolean(x); err != nil {
		return nil, refusal.Located(err, plan.PosOf(e))
	}
	return x, nil
}

func (b *binder) boolean(x plan.Expr) (plan.Expr, error) {
	switch t := b.kind(x); {
	case t.Kind == plan.KindBoolean:
		return x, nil
	case canon.IsNull(x):
		return &plan.Literal{Value: plan.Null(plan.Of(plan.KindBoolean)), Pos: plan.PosOf(x)}, nil
	default:
		return nil, refusal.New(plan.PosOf(x), "a value of type %s is not permitted as a condition in %s", t, b.place).Suggest("compare it with a value")
	}
}

// kind returns the type of a bound expression; unknown for a bare NULL.
func (b *binder) kind(e plan.Expr) plan.Type {
	switch e := e.(type) {
	case *plan.Literal:
		return e.Value.Type
	case *plan.Cast:
		return e.To
	case *plan.In:
		return plan.Of(plan.KindBoolean)
	case *plan.Case:
		return b.mixed(results(e))
	case *plan.Call:
		f, _ := lookup(b.functions, e.Func)
		switch f.Result {
		case plan.ClassBoolean:
			return plan.Of(plan.KindBoolean)
		case plan.ClassDouble:
			return plan.Of(plan.KindDouble)
		case plan.ClassBigint:
			return plan.Of(plan.KindBigint)
		case plan.ClassText:
			return plan.Of(plan.KindVarchar)
		case plan.ClassSame:
			return b.mixed(e.Args)
		case plan.ClassTime:
			return b.kind(e.Args[len(e.Args)-1])
		case plan.ClassAny, plan.ClassPattern, plan.ClassPart, plan.ClassDigits, plan.ClassIndex, plan.ClassDivisor, plan.ClassFinite:
		}
	case *plan.Column, *plan.AggRef, *plan.KeyRef, *plan.OutputRef:
		return b.typeOf(e)
	case *plan.Aggregate:
	}
	return plan.Type{}
}

// mixed returns the type of unified expressions. Only in a view may it differ
// from the first one's: then they are numbers.
func (b *binder) mixed(es []plan.Expr) plan.Type {
	var t plan.Type
	for _, e := range es {
		switch k := b.kind(e); {
		case t.Kind == plan.KindUnknown:
			t = k
		case k != t && k.Kind != plan.KindUnknown:
			return plan.Of(plan.KindDouble)
		}
	}
	return t
}

func results(c *plan.Case) []plan.Expr {
	var out []plan.Expr
	for _, w := range c.Whens {
		out = append(out, w.Then)
	}
	if c.Else != nil {
		out = append(out, c.Else)
	}
	return out
}

func lookup(fs []plan.Function, name string) (plan.Function, bool) {
	i := slices.IndexFunc(fs, func(f plan.Function) bool { return f.Name == name })
	if i < 0 {
		return plan.Function{}, false
	}
	return fs[i], true
}

// unknownFunction refuses a function that is not on the list of its place.
func (b *binder) unknownFunction(c *plan.Call) error {
	if _, elsewhere := lookup(plan.RowFunctions, c.Func); elsewhere && b.view {
		return refusal.New(c.Pos, "%s is not permitted in %s, which is computed on noised values", quote(c.Func), b.place).
			Suggest("there, use arithmetic, comparisons, CASE, COALESCE, NULLIF, LEAST, GREATEST, ABS, ROUND, FLOOR and CEIL")
	}
	names := make([]string, len(b.functions))
	for i, f := range b.functions {
		names[i] = f.Name
	}
	err := refusal.New(c.Pos, "%s is not permitted", quote(c.Func))
	if best, ok := refusal.Nearest(c.Func, names); ok && isWord(best) {
		return err.Suggest("did you mean %s?", best)
	}
	return err.Suggest("permitted functions: %s", strings.Join(slices.DeleteFunc(names, func(n string) bool { return !isWord(n) }), ", "))
}

// isWord tells names from operators.
func isWord(name string) bool {
	return name[0] >= 'a' && name[0] <= 'z' && !slices.Contains([]string{"and", "or", "not", "is null", "is not null", "like"}, name)
}

func quote(name string) string {
	if name == "" || !isWord(name) {
		return "the operator " + strings.ToUpper(refusal.Shorten(name))
	}
	return "the function " + refusal.Shorten(name)
}

func (b *binder) call(c *plan.Call) (plan.Expr, error) {
	f, ok := lookup(b.functions, c.Func)
	if !ok {
		return nil, b.unknownFunction(c)
	}
	if len(c.Args) < len(f.Args)-f.Optional || (len(c.Args) > len(f.Args) && !f.Variadic) {
		return nil, refusal.New(c.Pos, "%s with %d arguments is not permitted", quote(c.Func), len(c.Args))
	}
	args, err := b.all(c.Args)
	if err != nil {
		return nil, err
	}
	classOf := func(i int) plan.Class { return f.Args[min(i, len(f.Args)-1)] }
	var same []int
	for i := range args {
		if classOf(i) == plan.ClassSame {
			same = append(same, i)
			continue
		}
		if args[i], err = b.argument(c.Func, args[i], classOf(i)); err != nil {
			return nil, err
		}
	}
	if len(same) > 0 { // then all are
		if err := b.unify(args, quote(c.Func)); err != nil {
			return nil, err
		}
	}
	if err := checkBuckets(c, args); err != nil {
		return nil, err
	}
	return canon.Simplify(&plan.Call{Func: c.Func, Args: args, Pos: c.Pos}), nil
}

// maxBuckets is the largest number of buckets of width_bucket.
const maxBuckets = 10_000

// checkBuckets refuses a width_bucket that would be NULL for every row.
func checkBuckets(c *plan.Call, args []plan.Expr) error {
	if c.Func != "width_bucket" {
		return nil
	}
	lo, hi, n := args[1].(*plan.Literal).Value, args[2].(*plan.Literal).Value, args[3].(*plan.Literal).Value
	switch {
	case !(lo.Float < hi.Float) || !roweval.Finite(hi.Float-lo.Float):
		return refusal.New(plan.PosOf(args[1]), "width_bucket with bounds that do not ascend is not permitted").Suggest("use width_bucket(x, lo, hi, n) with lo < hi")
	case n.Int > maxBuckets:
		return refusal.New(plan.PosOf(args[3]), "width_bucket with this number of buckets is not permitted").Suggest("use at most %d", maxBuckets)
	}
	return nil
}

func (b *binder) in(e *plan.In) (plan.Expr, error) {
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

func (b *binder) caseWhen(e *plan.Case) (plan.Expr, error) {
	out := &plan.Case{Pos: e.Pos}
	for _, w := range e.Whens {
		cond, err := b.condition(w.If)
		if err != nil {
			return nil, err
		}
		then, err := b.bind(w.Then)
		if err != nil {
			return nil, err
		}
		out.Whens = append(out.Whens, plan.When{If: cond, Then: then})
	}
	if e.Else != nil {
		x, err := b.bind(e.Else)
		if err != nil {
			return nil, err
		}
		out.Else = x
	}
	all := results(out)
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

// row returns the binder of expressions over rows.
func (p *planning) row(place string) *binder {
	b := &binder{functions: plan.RowFunctions, place: place}
	b.column = func(c *plan.Column) (plan.Expr, error) {
		s, col, err := p.resolve(c)
		if err != nil {
			return nil, err
		}
		if err := p.readable(s, col, c.Pos, "in "+place); err != nil {
			return nil, err
		}
		return bound(s, col, c.Pos), nil
	}
	b.aggregate = func(a *plan.Aggregate) (plan.Expr, error) {
		err := refusal.New(a.Pos, "an aggregate in %s is not permitted", place)
		if place == "WHERE" {
			return nil, err.Suggest("use HAVING, which is computed on the noised values")
		}
		return nil, err.Suggest("aggregate columns, and combine the results outside, for example SUM(a) / COUNT(*)")
	}
	b.typeOf = func(e plan.Expr) plan.Type {
		if c, ok := e.(*plan.Column); ok {
			return c.Type
		}
		return plan.Type{}
	}
	return b
}

// readable refuses columns that no expression may read: they identify people,
// or what belongs to them.
func (p *planning) readable(s *source, col contract.Column, at plan.Pos, where string) error {
	switch {
	case p.isUnit(s, col):
		return refusal.New(at, "the privacy unit %q is not permitted %s", col.Name, where).
			Suggest("use it as COUNT(DISTINCT %s) only", col.Name)
	case col.Role == contract.RoleKey:
		return refusal.New(at, "the key %q is not permitted %s", col.Name, where).
			Suggest("keys are for joining only")
	}
	return nil
}

// condition binds a filter over rows. Where a filter is NULL it does not pass.
func (p *planning) condition(e plan.Expr, place string) (plan.Expr, error) {
	x, err := p.row(place).condition(e)
	if err != nil {
		return nil, err
	}
	return canon.Conjunction(canon.Conjuncts(x)), nil
}
