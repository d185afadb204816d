package duckdb

import (
	"context"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/sqlgen"
)

// span encloses what an expression is in some rows, where it is not NULL.
type span struct{ lo, hi float64 }

// spans finds what expressions can be in the rows of some relations, from the
// extremes of stored columns, which are exact. What it finds decides how long a
// statement takes, and nothing else: a value that is known to be within bounds
// is not clamped.
//
// Doubles are rounded to the nearest by +, −, · and /, which therefore never
// decrease, or never increase, in either operand while the other one is fixed:
// their extremes over a box are those at its corners, computed in the same way.
//
// Extremes of a column are asked of all relations in one statement, which DuckDB
// answers from what it has noted of the files, and remembered with the instance:
// it costs one look at each file for each column.
type spans struct {
	ctx  context.Context
	a    *aggregation
	over []sqlgen.Relation
}

// known is what may be left out of a statement.
func (s spans) known() sqlgen.Known { return sqlgen.Known{Within: s.within, Below: s.below} }

// below says whether all stored ranks of a source are below a limit.
func (s spans) below(alias, rank string, limit int64) bool {
	_, hi, ok := s.extremes(&plan.Column{Qualifier: alias, Name: rank, Type: plan.Of(plan.KindInteger)})
	return ok && hi < limit
}

// within says whether a value is within the bounds of a quantum.
func (s spans) within(v plan.Expr, q plan.Quantum) bool {
	if c, stored := v.(*plan.Column); stored && c.Type.Kind != plan.KindDouble {
		lo, hi, ok := s.extremes(c)
		return ok && inSteps(lo, c.Type, q) && inSteps(hi, c.Type, q)
	}
	of, ok := s.of(v)
	if !ok {
		return false
	}
	unit, err := strconv.ParseFloat("1e"+strconv.Itoa(q.Scale), 64)
	if err != nil {
		return false
	}
	lo, hi := float64(of.lo*unit)/float64(q.Mantissa), float64(of.hi*unit)/float64(q.Mantissa)
	return lo >= float64(q.Lo) && hi <= float64(q.Hi)
}

// inSteps reports whether an exact value, as it is stored, is within the bounds
// of a quantum. Then it is so once it is rounded, since these are whole.
func inSteps(stored int64, t plan.Type, q plan.Quantum) bool {
	scale, ten := 0, big.NewInt(10)
	if t.Kind == plan.KindDecimal {
		scale = int(t.Scale)
	}
	pow := func(n int) *big.Int { return new(big.Int).Exp(ten, big.NewInt(int64(n)), nil) }
	v := new(big.Int).Mul(big.NewInt(stored), pow(q.Scale))
	step := new(big.Int).Mul(big.NewInt(q.Mantissa), pow(scale))
	return v.Cmp(new(big.Int).Mul(big.NewInt(q.Lo), step)) >= 0 && v.Cmp(new(big.Int).Mul(big.NewInt(q.Hi), step)) <= 0
}

// extremes returns the least and the largest value of a column of exact numbers.
func (s spans) extremes(c *plan.Column) (lo, hi int64, ok bool) {
	var catalogs []string
	for _, of := range s.over {
		catalogs = append(catalogs, of.Segments(s.a.plan, c.Qualifier)...)
	}
	if len(s.a.plan.Sources) > 1 { // where each relation has the public tables
		slices.Sort(catalogs)
		catalogs = slices.Compact(catalogs)
	}
	about := c.Name + "\x00" + c.Type.String() + "\x00" + strings.Join(catalogs, " ") // no statement has such characters
	ends, err := s.a.instance.Fact(s.ctx, about, func() (string, error) { return sqlgen.Extremes(c, catalogs...) })
	if err != nil || ends[0] > ends[1] {
		return 0, 0, false
	}
	return ends[0], ends[1], true
}

// of encloses a number; false where that takes more than this knows.
func (s spans) of(e plan.Expr) (span, bool) {
	switch e := e.(type) {
	case *plan.Literal:
		if e.Value.Null || e.Value.Type.Kind != plan.KindDouble {
			return span{}, false
		}
		return finite(span{e.Value.Float, e.Value.Float})
	case *plan.Cast:
		return s.cast(e)
	case *plan.Case:
		return s.hull(e)
	case *plan.Call:
		if len(e.Args) == 2 {
			return s.call(e)
		}
	default:
	}
	return span{}, false
}

// exactDouble is the largest integer up to which all are doubles.
const exactDouble = 1 << 53

// cast encloses a stored exact number as a double, which is its integer divided
// by a power of ten, where both are exact.
func (s spans) cast(e *plan.Cast) (span, bool) {
	c, stored := e.Arg.(*plan.Column)
	if !stored || e.To.Kind != plan.KindDouble || c.Type.Kind == plan.KindDouble {
		return span{}, false
	}
	lo, hi, ok := s.extremes(c)
	if !ok || lo < -exactDouble || hi > exactDouble {
		return span{}, false
	}
	unit := 1.0
	if c.Type.Kind == plan.KindDecimal {
		unit = math.Pow10(int(c.Type.Scale))
	}
	return span{float64(lo) / unit, float64(hi) / unit}, true
}

// call encloses arithmetic on two numbers by its values at the corners.
func (s spans) call(e *plan.Call) (span, bool) {
	x, known := s.of(e.Args[0])
	y, both := s.of(e.Args[1])
	if !known || !both {
		return span{}, false
	}
	var corner func(a, b float64) float64
	switch e.Func {
	case "+":
		corner = func(a, b float64) float64 { return a + b }
	case "-":
		corner = func(a, b float64) float64 { return a - b }
	case "*":
		corner = func(a, b float64) float64 { return float64(a * b) }
	case "/":
		if y.lo <= 0 && y.hi >= 0 {
			return span{}, false
		}
		corner = func(a, b float64) float64 { return a / b }
	default:
		return span{}, false
	}
	a, b, c, d := corner(x.lo, y.lo), corner(x.lo, y.hi), corner(x.hi, y.lo), corner(x.hi, y.hi)
	return finite(span{min(a, b, c, d), max(a, b, c, d)})
}

// hull encloses all results of a CASE.
func (s spans) hull(e *plan.Case) (span, bool) {
	var results []plan.Expr
	for _, w := range e.Whens {
		results = append(results, w.Then)
	}
	if e.Else != nil {
		results = append(results, e.Else)
	}
	all := span{math.Inf(1), math.Inf(-1)}
	for _, result := range results {
		one, ok := s.of(result)
		if !ok {
			return span{}, false
		}
		all = span{min(all.lo, one.lo), max(all.hi, one.hi)}
	}
	return finite(all)
}

// finite refuses spans that NaN or an infinity may be in.
func finite(s span) (span, bool) {
	return s, !math.IsNaN(s.lo) && !math.IsNaN(s.hi) && !math.IsInf(s.lo, 0) && !math.IsInf(s.hi, 0)
}
