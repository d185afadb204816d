package roweval

import (
	"math"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/noised/noised/analytics/plan"
)

// Evaluator computes one expression for the values of its atoms: some of its
// nodes, such as all its columns.
//
// It never guesses. Where an engine's result is not certain (a double as text, a
// text that may or may not be a number, a letter whose lower case depends on the
// version of Unicode) it says so, and the expression has no declared domain: a
// value that was wrong would be a group that stays empty for ever, and drop the
// rows of the right one.
type Evaluator struct {
	Kind  func(plan.Expr) plan.Type // the type of a bound expression
	Atoms map[plan.Expr]int         // nodes whose values are given
	Given []plan.Value              // by index
	Bytes int                       // of texts made so far, or as much work
	types map[plan.Expr]plan.Type
}

// null is the NULL of a node's type, which is looked up once.
func (v *Evaluator) null(e plan.Expr) plan.Value {
	t, ok := v.types[e]
	if !ok {
		if v.types == nil {
			v.types = map[plan.Expr]plan.Type{}
		}
		t = v.Kind(e)
		v.types[e] = t
	}
	return plan.Null(t)
}

// maxMadeText bounds the bytes of the texts that finding one domain makes.
const maxMadeText = 32 << 20

// Of returns the value of e; false when it is not certain.
func (v *Evaluator) Of(e plan.Expr) (plan.Value, bool) {
	if i, ok := v.Atoms[e]; ok {
		return v.Given[i], true
	}
	var x plan.Value
	var ok bool
	switch e := e.(type) {
	case *plan.Literal:
		return e.Value, true
	case *plan.Case:
		return v.caseWhen(e)
	case *plan.In:
		return v.in(e)
	case *plan.Cast:
		if x, ok = v.Of(e.Arg); ok {
			x, ok = convert(x, e.To)
		}
	case *plan.Call:
		if e.Func == "and" || e.Func == "or" {
			return v.junction(e)
		}
		args := make([]plan.Value, len(e.Args))
		for i, a := range e.Args {
			if args[i], ok = v.Of(a); !ok {
				return x, false
			}
		}
		x, ok = v.call(e, args)
	default:
	}
	return v.certain(x, ok)
}

// certain passes on values that every engine holds alike: finite numbers, and
// texts in the form that keys have.
func (v *Evaluator) certain(x plan.Value, ok bool) (plan.Value, bool) {
	v.Bytes += len(x.Str)
	return x, ok && (x.Null || Finite(x.Float)) && v.Bytes <= maxMadeText && norm.NFC.IsNormalString(x.Str)
}

func (v *Evaluator) caseWhen(e *plan.Case) (plan.Value, bool) {
	for _, w := range e.Whens {
		cond, ok := v.Of(w.If)
		if !ok {
			return cond, false
		}
		if !cond.Null && cond.Int != 0 {
			return v.Of(w.Then)
		}
	}
	if e.Else == nil {
		return v.null(e), true
	}
	return v.Of(e.Else)
}

func (v *Evaluator) in(e *plan.In) (plan.Value, bool) {
	x, ok := v.Of(e.Arg)
	if !ok || x.Null {
		return plan.Null(plan.Of(plan.KindBoolean)), ok
	}
	found := slices.ContainsFunc(e.List, func(i plan.Expr) bool { return i.(*plan.Literal).Value.Compare(x) == 0 })
	return plan.BoolValue(found != e.Not), true
}

// junction is three-valued: a dominant operand decides, else NULL.
func (v *Evaluator) junction(e *plan.Call) (plan.Value, bool) {
	dominant := int64(0)
	if e.Func == "or" {
		dominant = 1
	}
	out := plan.BoolValue(dominant == 0)
	for _, a := range e.Args {
		x, ok := v.Of(a)
		switch {
		case !ok:
			return x, false
		case x.Null:
			out = plan.Null(out.Type)
		case x.Int == dominant:
			return x, true
		}
	}
	return out, true
}

// call applies a function to values.
func (v *Evaluator) call(e *plan.Call, args []plan.Value) (plan.Value, bool) {
	switch e.Func {
	case "is null", "is not null":
		return plan.BoolValue(args[0].Null == (e.Func == "is null")), true
	case "coalesce":
		for _, a := range args {
			if !a.Null {
				return a, true
			}
		}
		return args[0], true
	case "least", "greatest":
		out := args[0]
		for _, a := range args[1:] {
			if !a.Null && (out.Null || a.Compare(out) < 0 == (e.Func == "least")) {
				out = a
			}
		}
		return out, true
	case "nullif":
		if !args[0].Null && !args[1].Null && args[0].Compare(args[1]) == 0 {
			return v.null(e), true
		}
		return args[0], true
	case "concat":
		var all strings.Builder
		for _, a := range args {
			all.WriteString(a.Str)
		}
		return plan.StringValue(all.String()), true
	}
	if slices.ContainsFunc(args, func(a plan.Value) bool { return a.Null }) {
		return v.null(e), true
	}
	switch e.Func {
	case "=", "<>", "<", "<=", ">", ">=":
		return plan.BoolValue(Holds(e.Func, args[0].Compare(args[1]))), true
	case "not":
		return plan.BoolValue(args[0].Int == 0), true
	case "+", "-", "*", "/", "//", "%", "abs", "sign", "floor", "ceil", "round", "sqrt", "width_bucket":
		return numeric(e.Func, args)
	case "year", "quarter", "month", "day", "dayofweek", "date_trunc":
		return calendar(e.Func, args)
	case "like": // every end of every % may be tried
		v.Bytes += len(args[0].Str) * len(args[1].Str) / 4
	}
	return textual(e.Func, args)
}

// numeric computes arithmetic on doubles, and on whole numbers by "//" and "%":
// what IEEE 754 defines to the last bit, which leaves out logarithms and powers.
func numeric(fn string, args []plan.Value) (plan.Value, bool) {
	x, y := args[0], args[len(args)-1]
	double := func(f float64) (plan.Value, bool) { return plan.FloatValue(f), true }
	switch fn {
	case "+", "-", "*":
		fs := []float64{x.Float}
		if len(args) > 1 {
			fs = append(fs, y.Float)
		}
		return double(Compute(fn, fs))
	case "/":
		if y.Float == 0 {
			return plan.Null(x.Type), true
		}
		return double(x.Float / y.Float)
	case "//":
		return plan.IntValue(x.Type, x.Int/y.Int), y.Int > 0
	case "%":
		return plan.IntValue(x.Type, x.Int%y.Int), y.Int > 0
	case "abs":
		return double(math.Abs(x.Float))
	case "sign":
		bigint := plan.Of(plan.KindBigint)
		switch {
		case x.Float > 0:
			return plan.IntValue(bigint, 1), true
		case x.Float < 0:
			return plan.IntValue(bigint, -1), true
		}
		return plan.IntValue(bigint, 0), true
	case "sqrt":
		if x.Float < 0 {
			return plan.Null(x.Type), true
		}
		return double(math.Sqrt(x.Float))
	case "width_bucket":
		n, ok := plan.WidthBucket(x.Float, args[1].Float, args[2].Float, y.Int)
		return plan.IntValue(plan.Of(plan.KindBigint), n), ok
	case "floor":
		return double(math.Floor(x.Float))
	case "ceil":
		return double(math.Ceil(x.Float))
	}
	if len(args) == 1 {
		return double(math.Round(x.Float))
	}
	unit := math.Pow10(int(y.Int)) // round
	return double(math.Round(x.Float*unit) / unit)
}
