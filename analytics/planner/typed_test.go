package planner

import (
	"math"
	"slices"

	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/plan"
)

// columnsOf lists the shop's columns by kind.
var columnsOf = map[plan.Kind][]string{
	plan.KindBoolean: {"paid"}, plan.KindInteger: {"grade", "items"}, plan.KindDouble: {"weight", "price", "discount"},
	plan.KindVarchar: {"city", "region", "tenant"}, plan.KindDate: {"ordered"}, plan.KindTimestamp: {"shipped"},
}

var literalsOf = map[plan.Kind][]plan.Value{
	plan.KindBoolean:   {plan.BoolValue(true), plan.BoolValue(false)},
	plan.KindInteger:   {plan.IntValue(plan.Of(plan.KindInteger), 7), plan.IntValue(plan.Of(plan.KindBigint), math.MinInt64), plan.IntValue(plan.Of(plan.KindBigint), math.MaxInt64)},
	plan.KindDouble:    {plan.FloatValue(0), plan.FloatValue(-1.7e308), plan.FloatValue(5e-324), plan.FloatValue(2.5)},
	plan.KindVarchar:   {plan.StringValue(""), plan.StringValue("'"), plan.StringValue("é🙂"), plan.StringValue("12")},
	plan.KindDate:      {plan.IntValue(plan.Of(plan.KindDate), 19000), plan.IntValue(plan.Of(plan.KindDate), -719162)},
	plan.KindTimestamp: {plan.IntValue(plan.Of(plan.KindTimestamp), 1e15), plan.IntValue(plan.Of(plan.KindTimestamp), 0)},
}

// drawTyped draws a well-typed expression of a kind, where KindInteger stands
// for whole numbers and KindDouble for any number.
func drawTyped(t *rapid.T, kind plan.Kind, depth int) plan.Expr {
	shapes := []string{"column", "literal"}
	if depth > 0 {
		shapes = []string{"call", "call", "call", "case", "cast", "in", "column", "literal"}
	}
	sub := func(k plan.Kind) plan.Expr { return drawTyped(t, k, depth-1) }
	switch shape := rapid.SampledFrom(shapes).Draw(t, "shape"); {
	case shape == "literal":
		return &plan.Literal{Value: rapid.SampledFrom(literalsOf[kind]).Draw(t, "literal")}
	case shape == "case":
		return &plan.Case{Whens: []plan.When{{If: sub(plan.KindBoolean), Then: sub(kind)}}, Else: sub(kind)}
	case shape == "cast" && kind != plan.KindBoolean:
		return &plan.Cast{Arg: sub(plan.KindVarchar), To: plan.Of(kind)}
	case shape == "cast":
		return &plan.Call{Func: "is null", Args: []plan.Expr{&plan.Cast{Arg: sub(anyKind(t)), To: plan.Of(plan.KindVarchar)}}}
	case shape == "in" && kind == plan.KindBoolean:
		k := anyKind(t)
		return &plan.In{Arg: sub(k), List: []plan.Expr{drawTyped(t, k, -1), drawTyped(t, k, -1)}}
	case shape == "call":
		if f, ok := functionOf(t, kind); ok {
			return drawCall(t, f, kind, depth)
		}
	}
	if depth < 0 {
		return &plan.Literal{Value: rapid.SampledFrom(literalsOf[kind]).Draw(t, "constant")}
	}
	return &plan.Column{Name: rapid.SampledFrom(columnsOf[kind]).Draw(t, "column")}
}

func anyKind(t *rapid.T) plan.Kind {
	return rapid.SampledFrom([]plan.Kind{plan.KindBoolean, plan.KindInteger, plan.KindDouble, plan.KindVarchar, plan.KindDate, plan.KindTimestamp}).Draw(t, "any kind")
}

// functionOf draws a function that can return a kind.
func functionOf(t *rapid.T, kind plan.Kind) (plan.Function, bool) {
	var fs []plan.Function
	for _, f := range plan.RowFunctions {
		if f.Result == plan.ClassSame || f.Result == classOf[kind] {
			fs = append(fs, f)
		}
	}
	if len(fs) == 0 {
		return plan.Function{}, false
	}
	return rapid.SampledFrom(fs).Draw(t, "function"), true
}

var classOf = map[plan.Kind]plan.Class{
	plan.KindBoolean: plan.ClassBoolean, plan.KindInteger: plan.ClassBigint, plan.KindDouble: plan.ClassDouble,
	plan.KindVarchar: plan.ClassText, plan.KindDate: plan.ClassTime, plan.KindTimestamp: plan.ClassTime,
}

func drawCall(t *rapid.T, f plan.Function, kind plan.Kind, depth int) plan.Expr {
	same := kind
	if f.Result != plan.ClassSame {
		same = anyKind(t)
	}
	n := len(f.Args) - rapid.IntRange(0, f.Optional).Draw(t, "left out")
	if f.Variadic {
		n += rapid.IntRange(0, 2).Draw(t, "more")
	}
	c := &plan.Call{Func: f.Name}
	for i := range n {
		var arg plan.Expr
		switch class := f.Args[min(i, len(f.Args)-1)]; class {
		case plan.ClassAny:
			arg = drawTyped(t, anyKind(t), depth-1)
		case plan.ClassSame:
			arg = drawTyped(t, same, depth-1)
		case plan.ClassTime:
			k := kind
			if f.Result != plan.ClassTime {
				k = rapid.SampledFrom([]plan.Kind{plan.KindDate, plan.KindTimestamp}).Draw(t, "time")
			}
			arg = drawTyped(t, k, depth-1)
		case plan.ClassPattern:
			arg = &plan.Literal{Value: plan.StringValue(rapid.SampledFrom([]string{"%", "a%", "_", "%\\", "", "%_%"}).Draw(t, "pattern"))}
		case plan.ClassPart:
			arg = &plan.Literal{Value: plan.StringValue(rapid.SampledFrom(plan.DateParts).Draw(t, "part"))}
		case plan.ClassDigits, plan.ClassIndex, plan.ClassDivisor:
			limit := map[bool]int64{true: plan.MaxDigits, false: plan.MaxIndex}[class == plan.ClassDigits]
			arg = &plan.Literal{Value: plan.IntValue(plan.Of(plan.KindBigint), rapid.SampledFrom([]int64{1, 3, limit}).Draw(t, "constant"))}
		case plan.ClassFinite:
			arg = &plan.Literal{Value: plan.FloatValue(rapid.SampledFrom([]float64{-1.5, 0, 3}).Draw(t, "constant"))}
		default:
			for k, c := range classOf {
				if c == class {
					arg = drawTyped(t, k, depth-1)
				}
			}
		}
		c.Args = append(c.Args, arg)
	}
	if slices.Contains([]string{"and", "or"}, f.Name) && len(c.Args) < 2 {
		c.Args = append(c.Args, c.Args[0])
	}
	return c
}
