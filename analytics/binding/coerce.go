package binding

import (
	"math"
	"slices"
	"strings"

	"github.com/noised/noised/analytics/canon"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/refusal"
	"github.com/noised/noised/analytics/roweval"
)

// argument makes an argument what its class asks for.
func (b *Binder) argument(fn string, e plan.Expr, class plan.Class) (plan.Expr, error) {
	t := b.Kind(e)
	switch class {
	case plan.ClassAny:
		return e, nil
	case plan.ClassBoolean:
		return b.Boolean(e)
	case plan.ClassDouble:
		if b.View && (t.IsNumeric() || canon.IsNull(e)) {
			return e, nil
		}
		if t.IsNumeric() || canon.IsNull(e) {
			return as(e, t, plan.Of(plan.KindDouble)), nil
		}
		return nil, b.wrongType(fn, e, "a number")
	case plan.ClassBigint:
		if t.IsInteger() || canon.IsNull(e) {
			return as(e, t, plan.Of(plan.KindBigint)), nil
		}
		if fn == "//" && t.IsNumeric() {
			return nil, b.wrongType(fn, e, "a whole number; of others use floor(x / 10)")
		}
		return nil, b.wrongType(fn, e, "a whole number, for example CAST(… AS BIGINT)")
	case plan.ClassText:
		if t.Kind == plan.KindVarchar || canon.IsNull(e) {
			return as(e, t, plan.Of(plan.KindVarchar)), nil
		}
		return nil, b.wrongType(fn, e, "a text, for example CAST(… AS VARCHAR)")
	case plan.ClassTime:
		if t.Kind == plan.KindDate || t.Kind == plan.KindTimestamp {
			return e, nil
		}
		return nil, b.wrongType(fn, e, "a date or a timestamp")
	case plan.ClassPattern, plan.ClassPart, plan.ClassDigits, plan.ClassIndex, plan.ClassDivisor, plan.ClassFinite:
		return b.constantArgument(fn, e, class)
	case plan.ClassSame:
	}
	return nil, b.wrongType(fn, e, "another type")
}

func (b *Binder) wrongType(fn string, e plan.Expr, want string) error {
	return refusal.New(plan.PosOf(e), "%s of a value of type %s is not permitted", quote(fn), b.Kind(e)).Suggest("it takes %s", want)
}

// constantArgument checks arguments that must be literals, because an engine's
// running time or totality depends on them.
func (b *Binder) constantArgument(fn string, e plan.Expr, class plan.Class) (plan.Expr, error) {
	lit, ok := e.(*plan.Literal)
	if !ok || lit.Value.Null {
		return nil, refusal.New(plan.PosOf(e), "%s with an argument that is not a constant is not permitted", quote(fn)).Suggest("write the value into the query")
	}
	v := lit.Value
	whole := v.Type.IsInteger()
	switch class {
	case plan.ClassPattern:
		if v.Type.Kind == plan.KindVarchar && cheapPattern(v.Str) {
			return lit, nil
		}
		return nil, refusal.New(lit.Pos, "this LIKE pattern is not permitted").Suggest("use at most 16 times %%, and at most twice beside _")
	case plan.ClassPart:
		if part := strings.ToLower(v.Str); v.Type.Kind == plan.KindVarchar && slices.Contains(plan.DateParts, part) {
			return &plan.Literal{Value: plan.StringValue(part), Pos: lit.Pos}, nil
		}
		return nil, refusal.New(lit.Pos, "%s by this unit is not permitted", quote(fn)).Suggest("use one of: %s", strings.Join(plan.DateParts, ", "))
	case plan.ClassDigits:
		if whole && v.Int >= 0 && v.Int <= plan.MaxDigits {
			return integer(lit), nil
		}
		return nil, refusal.New(lit.Pos, "%s to this many digits is not permitted", quote(fn)).Suggest("use 0 to %d", plan.MaxDigits)
	case plan.ClassFinite:
		if x := v.AsFloat(); !math.IsNaN(x) && !math.IsInf(x, 0) {
			return &plan.Literal{Value: plan.FloatValue(x), Pos: lit.Pos}, nil
		}
		return nil, refusal.New(lit.Pos, "%s with this constant is not permitted", quote(fn)).Suggest("use a number")
	default: // ClassIndex, ClassDivisor
		if whole && v.Int >= 1 && v.Int <= plan.MaxIndex {
			return integer(lit), nil
		}
		return nil, refusal.New(lit.Pos, "%s with this constant is not permitted", quote(fn)).Suggest("use a whole number from 1 to %d", plan.MaxIndex)
	}
}

func integer(lit *plan.Literal) *plan.Literal {
	return &plan.Literal{Value: plan.IntValue(plan.Of(plan.KindBigint), lit.Value.Int), Pos: lit.Pos}
}

// cheapPattern bounds a matcher's backtracking: engines match patterns of %
// alone in linear time, and try every split when _ stands among them.
func cheapPattern(pattern string) bool {
	runs := strings.Count(pattern, "%")
	return runs <= 2 || (runs <= 16 && !strings.Contains(pattern, "_"))
}

// unify gives expressions one type. Literals take the type of the others where
// that holds them exactly; numbers of different types become doubles.
func (b *Binder) unify(es []plan.Expr, what string) error {
	var want plan.Type
	join := func(literals bool) error {
		for _, e := range es {
			_, lit := e.(*plan.Literal)
			if lit != literals || canon.IsNull(e) {
				continue
			}
			t, ok := common(want, b.Kind(e))
			if literals {
				t, ok = commonLiteral(want, e.(*plan.Literal).Value)
			}
			if !ok {
				return refusal.New(plan.PosOf(e), "%s of type %s with type %s is not permitted", what, want, b.Kind(e)).
					Suggest("%s", mismatchHint(want, b.Kind(e)))
			}
			want = t
		}
		return nil
	}
	if b.View && b.numbers(es) {
		return nil
	}
	if err := join(false); err != nil {
		return err
	}
	if err := join(true); err != nil {
		return err
	}
	if want.Kind == plan.KindUnknown { // NULLs only
		return refusal.New(plan.PosOf(es[0]), "%s of NULL alone is not permitted", what).Suggest("use IS NULL")
	}
	for i, e := range es {
		es[i] = as(e, b.Kind(e), want)
	}
	return nil
}

// numbers reports whether all of es are numbers or NULLs.
func (b *Binder) numbers(es []plan.Expr) bool {
	return !slices.ContainsFunc(es, func(e plan.Expr) bool { return !b.Kind(e).IsNumeric() && !canon.IsNull(e) })
}

func mismatchHint(want, got plan.Type) string {
	switch {
	case want.Kind == plan.KindVarchar && got.IsNumeric():
		return "write the value as a text, for example '1', or CAST the text"
	case got.Kind == plan.KindVarchar:
		return "write " + example(want)
	default:
		return "CAST one of them to the type of the other"
	}
}

// common returns the type that two columns or expressions are compared in.
func common(a, b plan.Type) (plan.Type, bool) {
	times := func(t plan.Type) bool { return t.Kind == plan.KindDate || t.Kind == plan.KindTimestamp }
	switch {
	case a.Kind == plan.KindUnknown || a == b:
		return b, true
	case a.IsInteger() && b.IsInteger():
		return plan.Of(plan.KindBigint), true
	case a.IsNumeric() && b.IsNumeric():
		return plan.Of(plan.KindDouble), true
	case times(a) && times(b):
		return plan.Of(plan.KindTimestamp), true
	default:
		return plan.Type{}, false
	}
}

// commonLiteral returns the type that a literal is compared in with values of
// type t: t itself when it holds the literal exactly.
func commonLiteral(t plan.Type, v plan.Value) (plan.Type, bool) {
	if t.Kind == plan.KindUnknown {
		return v.Type, true
	}
	if _, ok := roweval.Exact(v, t); ok {
		return t, true
	}
	if v.Type.Kind == plan.KindVarchar && t.IsNumeric() { // '1.5' beside a whole number
		if _, ok := roweval.Exact(v, plan.Of(plan.KindDouble)); ok {
			return plan.Of(plan.KindDouble), true
		}
	}
	if v.Type.Kind == plan.KindVarchar && t.Kind == plan.KindDate {
		if _, ok := roweval.Exact(v, plan.Of(plan.KindTimestamp)); ok {
			return plan.Of(plan.KindTimestamp), true
		}
	}
	return common(t, v.Type)
}

// as converts an expression of type t to the type want.
func as(e plan.Expr, t, want plan.Type) plan.Expr {
	if canon.IsNull(e) {
		return &plan.Literal{Value: plan.Null(want), Pos: plan.PosOf(e)}
	}
	if t == want {
		return e
	}
	if lit, ok := e.(*plan.Literal); ok {
		if v, ok := roweval.Exact(lit.Value, want); ok {
			return &plan.Literal{Value: v, Pos: lit.Pos}
		}
		if want.Kind == plan.KindDouble && t.IsNumeric() {
			return &plan.Literal{Value: plan.FloatValue(lit.Value.AsFloat()), Pos: lit.Pos}
		}
	}
	return &plan.Cast{Arg: e, To: want, Pos: plan.PosOf(e)}
}

// castable reports whether a cast between two types is on the list. All casts
// are total: what does not fit is NULL.
func castable(from, to plan.Type) bool {
	times := from.Kind == plan.KindDate || from.Kind == plan.KindTimestamp
	switch {
	case from.Kind == plan.KindVarchar || to.Kind == plan.KindVarchar || from.Kind == to.Kind:
		return true
	case from.IsNumeric():
		return to.IsNumeric()
	case from.Kind == plan.KindBoolean:
		return to.IsInteger()
	default:
		return times && (to.Kind == plan.KindDate || to.Kind == plan.KindTimestamp)
	}
}

func (b *Binder) cast(c *plan.Cast) (plan.Expr, error) {
	arg, err := b.Bind(c.Arg)
	if err != nil {
		return nil, err
	}
	t := b.Kind(arg)
	switch {
	case canon.IsNull(arg) || t == c.To:
		return as(arg, t, c.To), nil
	case b.View && !viewCast(t, c.To):
		return nil, refusal.New(c.Pos, "a cast of type %s to %s is not permitted in %s", t, c.To, b.Place).Suggest("cast numbers to DOUBLE or BIGINT, anything to VARCHAR")
	case !castable(t, c.To):
		return nil, refusal.New(c.Pos, "a cast of type %s to %s is not permitted", t, c.To).Suggest("cast numbers to numbers, and texts to anything")
	}
	if lit, ok := arg.(*plan.Literal); ok {
		v, fits := roweval.Exact(lit.Value, c.To)
		switch {
		case fits:
			return &plan.Literal{Value: v, Pos: c.Pos}, nil
		case t.Kind == plan.KindVarchar:
			return nil, refusal.New(c.Pos, "the text %q is no %s", refusal.Shorten(lit.Value.Str), c.To).Suggest("write %s", example(c.To))
		}
	}
	return &plan.Cast{Arg: arg, To: c.To, Pos: c.Pos}, nil
}

func viewCast(from, to plan.Type) bool {
	switch to.Kind {
	case plan.KindVarchar:
		return true
	case plan.KindDouble, plan.KindBigint:
		return from.IsNumeric()
	default:
		return false
	}
}

func example(t plan.Type) string {
	switch t.Kind {
	case plan.KindDate:
		return "DATE '2024-01-31'"
	case plan.KindTimestamp:
		return "TIMESTAMP '2024-01-31 23:59:00'"
	case plan.KindBoolean:
		return "TRUE or FALSE"
	default:
		return "a number such as 1"
	}
}
