package asking

import (
	"testing"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/result"
)

func TestAnswersAreRoundedToWhatTheNoiseLeaves(t *testing.T) {
	big, double := plan.Of(plan.KindBigint), plan.FloatValue
	ints := func(x, lo, hi int64) *result.Column {
		v := func(i int64) *result.Vector { return result.VectorOf(big, plan.IntValue(big, i)) }
		return &result.Column{Type: big, Values: v(x), Low: v(lo), High: v(hi)}
	}
	floats := func(x, lo, hi float64) *result.Column {
		v := func(f float64) *result.Vector { return result.VectorOf(double(0).Type, double(f)) }
		return &result.Column{Type: double(0).Type, Values: v(x), Low: v(lo), High: v(hi)}
	}
	for _, c := range []struct {
		column *result.Column
		want   string
	}{
		{ints(302, 290, 314), "302 ± 12"},
		{ints(-3, -15, 9), "-3 ± 12"},
		{floats(3.20574, 3.19574, 3.21574), "3.206 ± 0.010"},
		{floats(3.2, 3.1, 3.6), "3.20 [3.10, 3.60]"},
		{floats(1234.5, 1034.5, 1434.5), "1234 ± 200"},
		{floats(3, 3, 3), "3.00 ± 0.00"},
		{&result.Column{Type: big, Values: result.VectorOf(big, plan.IntValue(big, 7))}, "7"},
		{&result.Column{Type: big, Values: result.NewVector(big, 1)}, "NULL"},
	} {
		if got := answerCell(c.column, 0); got != c.want {
			t.Errorf("answerCell = %q, want %q", got, c.want)
		}
	}
}
