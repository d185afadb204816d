package sqlexpr

import (
	"fmt"

	"github.com/noised/noised/analytics/plan"
)

// Results of functions.
var (
	boolean = plan.Of(plan.KindBoolean)
	bigint  = plan.Of(plan.KindBigint)
	double  = plan.Of(plan.KindDouble)
	varchar = plan.Of(plan.KindVarchar)
)

// form is how a function is rendered when its operands need no repeating: a
// format with one %s per operand, or, where open is set, a list.
type form struct {
	result                 plan.Type // unknown: the type of the first operand
	format                 string
	open, separator, close string
}

// infix is the form of an operator between two operands.
func infix(result plan.Type, op string) form {
	return form{result: result, format: "(%s " + op + " %s)"}
}

// forms are the functions that DuckDB computes totally, as they are.
var forms = map[string]form{
	"+": infix(double, "+"), "*": infix(double, "*"),
	"//": infix(bigint, "//"), "%": infix(bigint, "%%"),
	"=": infix(boolean, "="), "<>": infix(boolean, "<>"), "<": infix(boolean, "<"),
	"<=": infix(boolean, "<="), ">": infix(boolean, ">"), ">=": infix(boolean, ">="),
	"and":         {result: boolean, open: "(", separator: " AND ", close: ")"},
	"or":          {result: boolean, open: "(", separator: " OR ", close: ")"},
	"not":         {result: boolean, format: "(NOT %s)"},
	"is null":     {result: boolean, format: "(%s IS NULL)"},
	"is not null": {result: boolean, format: "(%s IS NOT NULL)"},
	"like":        infix(boolean, "LIKE"),
	"coalesce":    {open: "coalesce(", separator: ", ", close: ")"},
	"least":       {open: "least(", separator: ", ", close: ")"},
	"greatest":    {open: "greatest(", separator: ", ", close: ")"},
	"abs":         {result: double, format: "abs(%s)"},
	"sign":        {result: bigint, format: "CAST(sign(%s) AS BIGINT)"},
	"floor":       {result: double, format: "floor(%s)"},
	"ceil":        {result: double, format: "ceil(%s)"},
	"exp":         {result: double, format: "exp(%s)"},
	"lower":       {result: varchar, format: "lower(%s)"},
	"upper":       {result: varchar, format: "upper(%s)"},
	"trim":        {result: varchar, format: "trim(%s, ' ')"},
	"length":      {result: bigint, format: "length(%s)"},
	"substring":   {result: varchar, open: "substring(", separator: ", ", close: ")"},
	"concat":      {result: varchar, open: "concat(", separator: ", ", close: ")"},
	"||":          infix(varchar, "||"),
	"starts_with": {result: boolean, format: "starts_with(%s, %s)"},
	"contains":    {result: boolean, format: "contains(%s, %s)"},
}

// call renders a function of plan.RowFunctions.
func (b *Builder) call(c *plan.Call) (Term, error) {
	if err := checkArity(c); err != nil {
		return Term{}, err
	}
	args, err := b.Exprs(c.Args)
	if err != nil {
		return Term{}, err
	}
	if f, ok := forms[c.Func]; ok {
		if f.result == (plan.Type{}) {
			f.result = args[0].Type
		}
		if f.open != "" {
			return List(f.result, f.open, f.separator, f.close, args), nil
		}
		return Combine(f.result, f.format, args...), nil
	}
	switch c.Func {
	case "-":
		if len(args) == 1 {
			return Combine(double, "(- %s)", args...), nil
		}
		return Combine(double, "(%s - %s)", args...), nil
	case "/":
		d := b.Share(args[1])
		return Combine(double, "(CASE WHEN %s = 0 THEN NULL ELSE %s / %s END)", d, args[0], d), nil
	case "nullif":
		x := b.Share(args[0])
		return Combine(x.Type, "(CASE WHEN %s = %s THEN NULL ELSE %s END)", x, args[1], x), nil
	case "round":
		return b.round(c, args)
	case "sqrt", "ln", "log10", "power", "width_bucket":
		return b.partial(c, args)
	case "year", "quarter", "month", "day", "dayofweek", "date_trunc":
		return b.calendar(c, args)
	default:
		return Term{}, fmt.Errorf("function %q has no rendering", c.Func)
	}
}

// checkArity refuses a call of a function that is not on the allow-list, or
// with a number of arguments that it does not take.
func checkArity(c *plan.Call) error {
	for _, f := range plan.RowFunctions {
		if f.Name != c.Func {
			continue
		}
		n := len(c.Args)
		if n < len(f.Args)-f.Optional || (n > len(f.Args) && !f.Variadic) {
			return fmt.Errorf("function %q got %d arguments", c.Func, n)
		}
		return nil
	}
	return fmt.Errorf("function %q is not on the allow-list", c.Func)
}

// round takes its digits as a plain number: DuckDB wants an INTEGER.
func (b *Builder) round(c *plan.Call, args []Term) (Term, error) {
	if len(args) == 1 {
		return Combine(double, "round(%s)", args...), nil
	}
	digits, ok := c.Args[1].(*plan.Literal)
	if !ok || digits.Value.Null || digits.Value.Int < 0 || digits.Value.Int > plan.MaxDigits {
		return Term{}, fmt.Errorf("round has no constant number of digits")
	}
	return Combine(double, fmt.Sprintf("round(%%s, %d)", digits.Value.Int), args[0]), nil
}

// calendar renders functions of dates and timestamps, which see the years 1 to
// 9999 only: beyond, DuckDB's arithmetic can leave its range and fail.
func (b *Builder) calendar(c *plan.Call, args []Term) (Term, error) {
	x := b.Share(args[len(args)-1])
	body, result := c.Func+"(%s)", bigint
	if c.Func == "date_trunc" {
		part, err := datePart(c.Args[0])
		if err != nil {
			return Term{}, err
		}
		name, err := TypeName(x.Type)
		if err != nil {
			return Term{}, err
		}
		body, result = "TRY_CAST(date_trunc('"+part+"', %s) AS "+name+")", x.Type
	}
	first, end := "DATE '0001-01-01'", "DATE '10000-01-01'"
	switch x.Type.Kind {
	case plan.KindDate:
	case plan.KindTimestamp:
		first, end = "TIMESTAMP '0001-01-01 00:00:00'", "TIMESTAMP '10000-01-01 00:00:00'"
	default:
		return Term{}, fmt.Errorf("%s of a %s", c.Func, x.Type)
	}
	return Combine(result, "(CASE WHEN %s >= "+first+" AND %s < "+end+" THEN "+body+" END)", x, x, x), nil
}

func datePart(e plan.Expr) (string, error) {
	if l, ok := e.(*plan.Literal); ok {
		for _, p := range plan.DateParts {
			if l.Value.Str == p {
				return p, nil
			}
		}
	}
	return "", fmt.Errorf("date_trunc has no constant unit")
}
