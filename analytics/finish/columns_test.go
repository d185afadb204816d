package finish

import (
	"strings"
	"testing"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/result"
	"github.com/noised/noised/privacy/mechanism"
)

func call2(name string, a, b plan.Expr) plan.Expr {
	return &plan.Call{Func: name, Args: []plan.Expr{a, b}}
}

func whole(n int64) plan.Expr {
	return &plan.Literal{Value: plan.IntValue(plan.Of(plan.KindBigint), n)}
}

// threeGroups is SELECT key, COUNT(*) with noised counts 10, 30, 20.
func threeGroups(t *testing.T, change func(*plan.Bound)) View {
	t.Helper()
	b := &plan.Bound{
		Keys:    []plan.Key{{Column: "k", Type: plan.Of(plan.KindVarchar), Domain: []plan.Value{plan.StringValue("a"), plan.StringValue("b"), plan.StringValue("c")}}},
		Draws:   []plan.Draw{{Kind: plan.DrawRows}},
		Aggs:    []plan.Agg{{Func: plan.AggCount, Count: 0, Sum: -1}},
		Outputs: []plan.Output{{Name: "k", Expr: &plan.KeyRef{}}, {Name: "n", Expr: &plan.AggRef{}}},
	}
	if change != nil {
		change(b)
	}
	return View{Plan: b, Noise: []mechanism.Spec{calibrated(t, 2)}, Confidence: 0.95}
}

func TestView(t *testing.T) {
	n := &plan.AggRef{}
	one := int64(1)
	tests := []struct {
		name   string
		change func(*plan.Bound)
		want   string
	}{
		{"declared order", nil, "a,10 b,30 c,20"},
		{"having", func(b *plan.Bound) { b.Having = call2(">", n, whole(15)) }, "b,30 c,20"},
		{"order by", func(b *plan.Bound) { b.OrderBy = []plan.Order{{Expr: &plan.OutputRef{Index: 1}, Desc: true}} }, "b,30 c,20 a,10"},
		{"limit and offset", func(b *plan.Bound) { b.Limit, b.Offset = &one, 1 }, "b,30"},
		{"offset past the end", func(b *plan.Bound) { b.Offset = 9 }, ""},
		{"whole arithmetic", func(b *plan.Bound) { b.Outputs[1].Expr = call2("+", call2("*", n, whole(2)), whole(1)) }, "a,21 b,61 c,41"},
		{"division", func(b *plan.Bound) { b.Outputs[1].Expr = call2("/", n, whole(4)) }, "a,2.5 b,7.5 c,5"},
		{"division by zero is null", func(b *plan.Bound) { b.Outputs[1].Expr = call2("/", n, whole(0)) }, "a,NULL b,NULL c,NULL"},
		{"unknown is not kept", func(b *plan.Bound) { b.Having = call2(">", call2("/", n, whole(0)), whole(1)) }, ""},
		{"three-valued or", func(b *plan.Bound) {
			b.Having = call2("or", call2(">", call2("/", n, whole(0)), whole(1)), call2("=", n, whole(20)))
		}, "c,20"},
		{"case", func(b *plan.Bound) {
			b.Outputs[1].Expr = &plan.Case{Whens: []plan.When{{If: call2(">=", n, whole(20)), Then: whole(1)}}}
		}, "a,NULL b,1 c,1"},
		{"keys in having", func(b *plan.Bound) {
			b.Having = &plan.In{Arg: &plan.KeyRef{}, List: []plan.Expr{&plan.Literal{Value: plan.StringValue("c")}}}
		}, "c,20"},
		{"coalesce", func(b *plan.Bound) {
			b.Outputs[1].Expr = call2("coalesce", call2("//", n, whole(0)), whole(7))
		}, "a,7 b,7 c,7"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := threeGroups(t, tt.change)
			core := &Core{Draws: [][]int64{{10, 30, 20}}}
			cols, err := Columns(v, core)
			if err != nil {
				t.Fatal(err)
			}
			if got := rowsText(cols); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func rowsText(cols []result.Column) string {
	var rows []string
	for i := range cols[0].Values.Len() {
		rows = append(rows, cols[0].Values.At(i).Text()+","+cols[1].Values.At(i).Text())
	}
	return strings.Join(rows, " ")
}

// TestExpressionIntervals holds that arithmetic carries intervals through: the
// value lies inside, and a divisor that may be zero has none.
func TestExpressionIntervals(t *testing.T) {
	n := &plan.AggRef{}
	v := threeGroups(t, func(b *plan.Bound) {
		b.Outputs = []plan.Output{
			{Name: "share", Expr: call2("/", n, whole(100))},
			{Name: "negative", Expr: &plan.Call{Func: "-", Args: []plan.Expr{n}}},
			{Name: "inverse", Expr: call2("/", whole(1), call2("-", n, n))},
			{Name: "flag", Expr: call2(">", n, whole(15))},
		}
	})
	cols, err := Columns(v, &Core{Draws: [][]int64{{10, 30, 20}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cols[:2] {
		for i := range c.Values.Len() {
			lo, x, hi := c.Low.At(i).AsFloat(), c.Values.At(i).AsFloat(), c.High.At(i).AsFloat()
			if lo >= x || x >= hi {
				t.Errorf("%s: %g not inside [%g, %g]", c.Name, x, lo, hi)
			}
		}
	}
	if !cols[2].Low.At(0).Null || !cols[2].High.At(0).Null {
		t.Errorf("1/(n−n) has the interval [%v, %v], want none", cols[2].Low.At(0), cols[2].High.At(0))
	}
	if cols[3].HasInterval() {
		t.Error("a boolean has an interval")
	}
}

func TestCoreRoundTrip(t *testing.T) {
	b := &plan.Bound{
		Keys:  []plan.Key{{Column: "s", Type: plan.Of(plan.KindVarchar)}, {Column: "d", Type: plan.Of(plan.KindDate)}},
		Draws: []plan.Draw{{Kind: plan.DrawRows}},
	}
	core := &Core{
		Keys: [][]plan.Value{
			{plan.StringValue("é\"x"), plan.IntValue(plan.Of(plan.KindDate), -1)},
			{plan.Null(plan.Of(plan.KindVarchar)), plan.Null(plan.Of(plan.KindDate))},
		},
		Draws: [][]int64{{1 << 62, -5}},
	}
	back, err := DecodeCore(core.Encode(), b)
	if err != nil {
		t.Fatal(err)
	}
	for g := range core.Keys {
		for k := range core.Keys[g] {
			if back.Keys[g][k] != core.Keys[g][k] {
				t.Errorf("key %d/%d: %+v, want %+v", g, k, back.Keys[g][k], core.Keys[g][k])
			}
		}
		if back.Draws[0][g] != core.Draws[0][g] {
			t.Errorf("draw %d: %d, want %d", g, back.Draws[0][g], core.Draws[0][g])
		}
	}
	for _, bad := range []string{``, `{}`, `{"keys":[[1]],"draws":[[1]]}`, `{"keys":[["a",1]],"draws":[]}`, `{"keys":[["a",1]],"draws":[[]]}`} {
		if _, err := DecodeCore([]byte(bad), b); err == nil {
			t.Errorf("DecodeCore(%q) gave no error", bad)
		}
	}
}
