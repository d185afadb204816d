package ranges

import (
	"math"
	"math/big"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/roweval"
)

// Column is what a contract and a query's parameters say about a column.
type Column struct {
	Measure bool
	Bounds  [2]float64   // of a measure
	Scale   int          // the decimals that all its values have
	Domain  []plan.Value // the declared values of a dimension; nil for none
	Given   bool         // it is never NULL
	Private bool         // its values are secret
}

// Columns knows the columns of a query. What it says is public.
type Columns interface {
	Column(bound *plan.Column) Column
	// Measures lists the names of measures, for messages.
	Measures() []string
}

// Ranges finds the ranges of one query's expressions. It may look at so many
// combinations of values in all, and then finds no more images.
type Ranges struct {
	columns   Columns
	evaluated int // see maxEvaluated
}

// New returns the ranges of one query's expressions.
func New(columns Columns) *Ranges { return &Ranges{columns: columns} }

// private reports whether an expression reads a dimension whose values are
// secret.
func (r *Ranges) private(e plan.Expr) bool {
	found := false
	plan.Walk(e, func(e plan.Expr) bool {
		if c, ok := e.(*plan.Column); ok && !found {
			found = r.columns.Column(c).Private
		}
		return !found
	})
	return found
}

// WholeBounds returns the bounds of a whole or decimal measure in units of its
// last digit, rounded inward; false when nothing lies between.
func WholeBounds(b [2]float64, t plan.Type) (lo, hi int64, ok bool) {
	unit := new(big.Rat).SetInt(roweval.Pow10(int(t.Scale)))
	in := func(f float64, up bool) int64 {
		r := roweval.Rational(plan.FloatValue(f))
		if r == nil {
			return 0
		}
		r.Mul(r, unit)
		n := new(big.Int).Div(r.Num(), r.Denom()) // rounds down
		if up && !r.IsInt() {
			n.Add(n, big.NewInt(1))
		}
		return n.Int64()
	}
	if math.IsNaN(b[0]) || math.IsNaN(b[1]) {
		return 0, 0, false
	}
	lo, hi = in(b[0], true), in(b[1], false)
	return lo, hi, lo <= hi
}
