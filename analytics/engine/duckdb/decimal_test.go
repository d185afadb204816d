package duckdb

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// TestNoDecimalMakesARunFail: whatever number of digits a decimal has, before and
// after its point, and however coarse or fine the steps are that it is counted
// in, its largest value is as good as any other, however rows are bounded. A run
// that failed for it would tell that somebody has it.
func TestNoDecimalMakesARunFail(t *testing.T) {
	w, dir := newWriter(t), t.TempDir()
	e := newEngine(t, Options{})
	for precision := 1; precision <= 18; precision++ {
		for scale := 0; scale <= precision; scale++ {
			typ := plan.Type{Kind: plan.KindDecimal, Precision: uint8(precision), Scale: uint8(scale)}
			nines := new(big.Rat).SetFrac(new(big.Int).Sub(pow(precision), big.NewInt(1)), pow(scale))
			largest := nines.FloatString(scale)
			path := w.segment(dir, fmt.Sprintf("d%d_%d", precision, scale), fmt.Sprintf(
				"SELECT u::UBIGINT AS _unit, 0::USMALLINT AS _row, y::DECIMAL(%d,%d) AS y FROM (VALUES (1, %s), (2, -%s), (3, NULL)) v(u, y) ORDER BY u", precision, scale, largest, largest))
			for _, q := range []plan.Quantum{{Mantissa: 5, Scale: max(0, scale-1)}, {Mantissa: 25, Scale: scale}, {Mantissa: 1, Scale: min(18, scale+1)}, {Mantissa: 1, Scale: scale}, {Mantissa: 7}} {
				q.Lo, q.Hi = -1000, 4000
				y := &plan.Column{Name: "y", Type: typ}
				want := stepOf(nines, q) + stepOf(new(big.Rat).Neg(nines), q)
				for _, kinds := range [][]plan.DrawKind{{plan.DrawSum, plan.DrawSquares}, {plan.DrawTree}} {
					p := plan.Bound{Dataset: "d", Version: 1, Scope: plan.ScopeTenant, Tenants: []string{"a"}, Limits: privacy.Bounds{MaxPartitions: 1, MaxRowsPerPartition: 1, MaxRows: 1}}
					for _, kind := range kinds {
						p.Draws = append(p.Draws, plan.Draw{Kind: kind, Value: y, Quantum: q, Square: plan.SquareOf(q), Tree: plan.TreeOf(q)})
					}
					for _, by := range []plan.Bounding{plan.BoundStream, plan.BoundRows} {
						if p.Strategy.Bounding = by; by == plan.BoundRows && kinds[0] == plan.DrawTree {
							continue
						}
						got, err := e.Run(t.Context(), engine.Input{Plan: &p, Segments: []engine.Segment{{Tenant: "a", Path: path, Ranks: [][]string{}}}})
						if err != nil {
							t.Fatalf("%s in steps of %d·10^−%d by %s: %v", strings.TrimSpace(fmt.Sprint(typ)), q.Mantissa, q.Scale, by, err)
						}
						if sum := got.Draws[0][0]; kinds[0] == plan.DrawSum && sum != (privacy.Int128{}).AddInt64(want) {
							t.Errorf("%s in steps of %d·10^−%d by %s: ±%s add up to %v steps, want %d", typ, q.Mantissa, q.Scale, by, largest, sum, want)
						}
					}
				}
			}
		}
	}
}

func pow(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// stepOf rounds half away from zero, within the bounds.
func stepOf(v *big.Rat, q plan.Quantum) int64 {
	of := new(big.Rat).Mul(v, new(big.Rat).SetFrac(pow(q.Scale), big.NewInt(q.Mantissa)))
	n, _ := new(big.Int).SetString(of.FloatString(0), 10) // which rounds so
	if !n.IsInt64() || n.Int64() > q.Hi || n.Int64() < q.Lo {
		if n.Sign() < 0 {
			return q.Lo
		}
		return q.Hi
	}
	return n.Int64()
}
