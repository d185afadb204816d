package binding

import (
	"slices"

	"github.com/noised/noised/analytics/plan"
)

// Kind returns the type of a bound expression; unknown for a bare NULL.
func (b *Binder) Kind(e plan.Expr) plan.Type {
	switch e := e.(type) {
	case *plan.Literal:
		return e.Value.Type
	case *plan.Cast:
		return e.To
	case *plan.In:
		return plan.Of(plan.KindBoolean)
	case *plan.Case:
		return b.mixed(Results(e))
	case *plan.Call:
		f, _ := Function(b.functions(), e.Func)
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
			return b.Kind(e.Args[len(e.Args)-1])
		case plan.ClassAny, plan.ClassPattern, plan.ClassPart, plan.ClassDigits, plan.ClassIndex, plan.ClassDivisor, plan.ClassFinite:
		}
	case *plan.Column, *plan.AggRef, *plan.KeyRef, *plan.OutputRef:
		if b.TypeOf != nil {
			return b.TypeOf(e)
		}
		if c, ok := e.(*plan.Column); ok {
			return c.Type
		}
	case *plan.Aggregate:
	}
	return plan.Type{}
}

// RowType returns the type of a bound expression over rows.
func RowType(e plan.Expr) plan.Type { return new(Binder).Kind(e) }

// functions returns the allow-list of the place.
func (b *Binder) functions() []plan.Function {
	if b.View {
		return plan.ViewFunctions
	}
	return plan.RowFunctions
}

// mixed returns the type of unified expressions. Only in a view may it differ
// from the first one's: then they are numbers.
func (b *Binder) mixed(es []plan.Expr) plan.Type {
	var t plan.Type
	for _, e := range es {
		switch k := b.Kind(e); {
		case t.Kind == plan.KindUnknown:
			t = k
		case k != t && k.Kind != plan.KindUnknown:
			return plan.Of(plan.KindDouble)
		}
	}
	return t
}

// Results returns what a CASE may return, but for the NULL of a missing ELSE.
func Results(c *plan.Case) []plan.Expr {
	var out []plan.Expr
	for _, w := range c.Whens {
		out = append(out, w.Then)
	}
	if c.Else != nil {
		out = append(out, c.Else)
	}
	return out
}

// Function finds an entry of an allow-list.
func Function(fs []plan.Function, name string) (plan.Function, bool) {
	i := slices.IndexFunc(fs, func(f plan.Function) bool { return f.Name == name })
	if i < 0 {
		return plan.Function{}, false
	}
	return fs[i], true
}
