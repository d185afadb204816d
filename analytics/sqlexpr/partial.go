package sqlexpr

import (
	"fmt"

	"github.com/noised/noised/analytics/plan"
)

// partial renders functions that are not defined everywhere, and that DuckDB
// fails outside: there they are NULL before they are reached.
func (b *Builder) partial(c *plan.Call, args []Term) (Term, error) {
	x := b.Share(args[0])
	switch c.Func {
	case "sqrt":
		return Combine(double, "(CASE WHEN %s < 0 THEN NULL ELSE sqrt(%s) END)", x, x), nil
	case "ln", "log10":
		return Combine(double, "(CASE WHEN %s <= 0 THEN NULL ELSE "+c.Func+"(%s) END)", x, x), nil
	case "power":
		y := b.Share(args[1])
		return Combine(double, "(CASE WHEN %s < 0 AND %s <> trunc(%s) THEN NULL ELSE pow(%s, %s) END)", x, y, y, x, y), nil
	default:
		return widthBucket(c, x)
	}
}

// widthBucket renders what plan.WidthBucket computes, in the same order. x is
// compared before it is used, so that the cast sees 0 to n only.
func widthBucket(c *plan.Call, x Term) (Term, error) {
	var bounds [2]float64
	for i := range bounds {
		l, ok := c.Args[1+i].(*plan.Literal)
		if !ok || l.Value.Null || l.Value.Type.Kind != plan.KindDouble {
			return Term{}, fmt.Errorf("width_bucket has no constant bounds")
		}
		bounds[i] = l.Value.Float
	}
	l, ok := c.Args[3].(*plan.Literal)
	if !ok || l.Value.Null || !l.Value.Type.IsInteger() || l.Value.Int < 1 || l.Value.Int > plan.MaxIndex {
		return Term{}, fmt.Errorf("width_bucket has no constant number of buckets")
	}
	lo, hi, n := bounds[0], bounds[1], l.Value.Int
	if _, ok := plan.WidthBucket(lo, lo, hi, n); !ok {
		return Term{SQL: "CAST(NULL AS BIGINT)", Type: bigint, Plain: true}, nil
	}
	var number [4]string
	for i, f := range []float64{lo, hi, hi - lo, float64(n)} {
		sql, err := Literal(plan.FloatValue(f))
		if err != nil {
			return Term{}, err
		}
		number[i] = sql
	}
	format := fmt.Sprintf("(CASE WHEN %%s < %s THEN 0 WHEN %%s < %s THEN least(TRY_CAST(trunc((%%s - %s) / %s * %s) AS BIGINT), %d) + 1 "+
		"WHEN %%s IS NOT NULL THEN %d END)", number[0], number[1], number[0], number[2], number[3], n-1, n+1)
	return Combine(bigint, "CAST("+format+" AS BIGINT)", x, x, x, x), nil
}
