package finish

import (
	"reflect"
	"runtime"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/result"
	"github.com/noised/noised/analytics/scalar"
)

// anyOf draws values of one type, or of several types of numbers.
func anyOf(t *rapid.T) func() plan.Value {
	small := rapid.Int64Range(-3, 3)
	of := func(k plan.Kind) func() plan.Value {
		return func() plan.Value { return plan.IntValue(plan.Of(k), small.Draw(t, "value")) }
	}
	decimal := func(scale uint8) func() plan.Value {
		return func() plan.Value {
			return plan.IntValue(plan.Type{Kind: plan.KindDecimal, Precision: 18, Scale: scale}, small.Draw(t, "value"))
		}
	}
	double := func() plan.Value { return plan.FloatValue(float64(small.Draw(t, "value")) / 2) }
	text := func() plan.Value {
		return plan.StringValue(rapid.SampledFrom([]string{"", "a", "b", "ä", "aa"}).Draw(t, "value"))
	}
	kinds := rapid.SampledFrom([][]func() plan.Value{
		{of(plan.KindBigint)}, {of(plan.KindInteger), of(plan.KindBigint)}, {of(plan.KindDate)}, {of(plan.KindBoolean)},
		{decimal(2)}, {decimal(1), decimal(2)}, {double}, {double, of(plan.KindBigint), decimal(1)},
		{text},
	}).Draw(t, "kinds")
	return func() plan.Value {
		if rapid.IntRange(0, 4).Draw(t, "null") == 0 {
			return plan.Null(plan.Of(plan.KindBigint))
		}
		return rapid.SampledFrom(kinds).Draw(t, "kind")()
	}
}

// TestOrderedBy holds the order against a stable sort by the definition: NULLs
// first or last, other values as scalar.Compare compares them.
func TestOrderedBy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := plan.Order{Desc: rapid.Bool().Draw(t, "desc"), NullsFirst: rapid.Bool().Draw(t, "nulls first")}
		values, value := make([]plan.Value, rapid.IntRange(0, 30).Draw(t, "rows")), anyOf(t)
		places := make([]int, len(values))
		for i := range values {
			values[i], places[i] = value(), i
		}
		want := slices.Clone(places)
		slices.SortStableFunc(want, func(x, y int) int {
			a, b := values[x], values[y]
			switch {
			case a.Null || b.Null:
				if a.Null == b.Null {
					return 0
				}
				if a.Null == o.NullsFirst {
					return -1
				}
				return 1
			case o.Desc:
				a, b = b, a
			}
			return scalar.Compare(a, b)
		})
		if got := orderedBy(places, values, o); !slices.Equal(got, want) {
			t.Fatalf("%v by %+v: %v, want %v", values, o, got, want)
		}
	})
}

// TestColumnsOfManyGroups: what a group shows does not depend on how many there
// are, nor on how many goroutines look at them.
func TestColumnsOfManyGroups(t *testing.T) {
	v := everything(t)
	n := &plan.AggRef{}
	v.Plan.Keys = []plan.Key{{Column: "k", Type: plan.Of(plan.KindBigint)}}
	v.Plan.Outputs = append(v.Plan.Outputs, plan.Output{Name: "k", Expr: &plan.KeyRef{}}, plan.Output{Name: "double", Expr: call2("+", n, n)})
	v.Plan.Having = call2(">", n, whole(20))
	const groups, at = 3 * leastShard, 16
	width := v.Plan.Draws[3].Tree.Width()
	core := func(from, to int64) *Core {
		c := &Core{Draws: make([][]int64, len(v.Plan.Draws))}
		for g := from; g < to; g++ {
			c.Keys = append(c.Keys, []plan.Value{plan.IntValue(v.Plan.Keys[0].Type, g)})
			for d, draw := range v.Plan.Draws {
				for node := range draw.Width() {
					c.Draws[d] = append(c.Draws[d], g*int64(7+d+node)%101)
				}
			}
		}
		return c
	}
	if width < 2 {
		t.Fatal("the tree has one node")
	}
	var want [][]plan.Value // of each column: values, then both ends of intervals
	for g := int64(0); g < groups; g += at {
		columns, err := Columns(v, core(g, g+at))
		if err != nil {
			t.Fatal(err)
		}
		want = appendValues(want, columns)
	}
	for _, processors := range []int{1, 3} {
		old := runtime.GOMAXPROCS(processors)
		got, err := Columns(v, core(0, groups))
		runtime.GOMAXPROCS(old)
		if err != nil || !reflect.DeepEqual(appendValues(nil, got), want) {
			t.Errorf("on %d processors, %v: groups show something else", processors, err)
		}
	}
}

// appendValues appends the values of columns to what there is of them.
func appendValues(all [][]plan.Value, columns []result.Column) [][]plan.Value {
	if all == nil {
		all = make([][]plan.Value, 3*len(columns))
	}
	for i, c := range columns {
		for part, v := range []*result.Vector{c.Values, c.Low, c.High} {
			for at := range v.Len() {
				all[3*i+part] = append(all[3*i+part], v.At(at))
			}
		}
	}
	return all
}

// TestGroupsTakeNoAllocationsOfTheirOwn: a view of many groups allocates as often
// as one of few, but for room that grows.
func TestGroupsTakeNoAllocationsOfTheirOwn(t *testing.T) {
	n, groups := &plan.AggRef{}, 20_000
	v := threeGroups(t, func(b *plan.Bound) {
		b.Keys[0].Domain = make([]plan.Value, groups)
		b.Having = call2(">", n, whole(-1))
		b.OrderBy = []plan.Order{{Expr: n, Desc: true}}
		b.Outputs = append(b.Outputs, plan.Output{Name: "share", Expr: call2("/", n, whole(3))})
	})
	core := &Core{Draws: [][]int64{make([]int64, groups)}}
	allocations := testing.AllocsPerRun(1, func() {
		if _, err := Columns(v, core); err != nil {
			t.Fatal(err)
		}
	})
	if allocations > float64(groups)/10 {
		t.Errorf("%g allocations for %d groups", allocations, groups)
	}
}

// TestAPanicInAShardIsTheCallers: whoever recovers from it hears of it.
func TestAPanicInAShardIsTheCallers(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	defer func() {
		if r := recover(); r != "no such group" {
			t.Errorf("recovered %v", r)
		}
	}()
	_, _ = inShards(3*leastShard, func(from, _ int) (int, error) {
		if from > 0 {
			panic("no such group")
		}
		return 0, nil
	})
	t.Error("the panic is lost")
}
