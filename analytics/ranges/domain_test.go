package ranges

import (
	"fmt"
	"strings"
	"testing"

	"github.com/noised/noised/analytics/plan"
)

// The planner's tests hold images to rows in the engine. These state their forms.

var columns = measures{
	"x":      {Measure: true, Bounds: [2]float64{0, 10}, Scale: 2},
	"n":      {Measure: true, Bounds: [2]float64{-1.5, 3.5}},
	"many":   {Measure: true, Bounds: [2]float64{0, maxBareSteps}},
	"region": {Domain: []plan.Value{plan.StringValue("north"), plan.StringValue("south")}},
	"tenant": {Domain: []plan.Value{plan.StringValue("acme")}, Given: true},
	"secret": {Private: true},
}

func column(name string) plan.Expr {
	t := double
	switch name {
	case "n", "many", "secret":
		t = plan.Of(plan.KindBigint)
	case "region", "tenant":
		t = plan.Of(plan.KindVarchar)
	}
	return &plan.Column{Name: name, Type: t}
}

func call(fn string, args ...plan.Expr) plan.Expr { return &plan.Call{Func: fn, Args: args} }

func number(f float64) plan.Expr { return &plan.Literal{Value: plan.FloatValue(f)} }

func whole(n int64) plan.Expr {
	return &plan.Literal{Value: plan.IntValue(plan.Of(plan.KindBigint), n)}
}

func text(s string) plan.Expr { return &plan.Literal{Value: plan.StringValue(s)} }

// TestImage: an expression's values are what the contract implies, or unknown.
func TestImage(t *testing.T) {
	isNorth := call("=", column("region"), text("north"))
	for _, tt := range []struct {
		e    plan.Expr
		want string
	}{
		{column("region"), "north south"},
		{column("n"), "-1 0 1 2 3"}, // whole, within its bounds
		{column("many"), "unknown"},
		{column("x"), "unknown"},
		{column("secret"), "unknown"},
		{call("floor", call("/", column("x"), number(5))), "0 1 2"},
		{call("//", column("n"), whole(2)), "0 1"},
		{call("upper", column("region")), "NORTH SOUTH"},
		{call("concat", column("region"), call("upper", column("region"))), " northNORTH southSOUTH"},
		{call("coalesce", column("tenant"), text("none")), "acme"},
		{call("coalesce", column("region"), text("none")), "none north south"},
		{isNorth, "false true"},
		{call("nullif", column("region"), text("north")), "south NULL"},
		{&plan.Case{Whens: []plan.When{{If: call(">", column("secret"), whole(1)), Then: text("a")}}, Else: text("b")}, "a b"},
		{&plan.Case{Whens: []plan.When{{If: call(">", column("x"), number(10)), Then: text("a")}}, Else: text("b")}, "b"}, // x is clamped
		{&plan.Case{Whens: []plan.When{{If: isNorth, Then: text("a")}}}, "a NULL"},
		{call("//", column("secret"), whole(2)), "unknown"},
		{call("ln", column("x")), "unknown"},
	} {
		im, ok := New(columns).Image(tt.e)
		got := "unknown"
		if ok {
			var texts []string
			for _, v := range im.Values {
				texts = append(texts, v.Text())
			}
			if im.Null {
				texts = append(texts, "NULL")
			}
			got = strings.Join(texts, " ")
		}
		if got != tt.want {
			t.Errorf("%s can be %q, want %q", plan.Print(tt.e), got, tt.want)
		}
	}
}

// TestLookingIsBounded: all images of one query look at so many combinations.
func TestLookingIsBounded(t *testing.T) {
	wide := measures{"x": {Measure: true, Bounds: [2]float64{0, maxImage - 1}}}
	r, found := New(wide), 0
	for i := range 30 {
		if _, ok := r.Image(call("floor", call("+", column("x"), number(float64(i))))); ok {
			found++
		}
	}
	if most := maxEvaluated / (maxImage - 1); found != most {
		t.Errorf("%d images of %d values, want %d", found, maxImage, most)
	}
}

// TestWholeBounds: bounds are rounded inward, exactly.
func TestWholeBounds(t *testing.T) {
	price := plan.Type{Kind: plan.KindDecimal, Precision: 5, Scale: 2}
	for _, tt := range []struct {
		bounds [2]float64
		t      plan.Type
		want   string
	}{
		{[2]float64{-1.5, 3.5}, plan.Of(plan.KindBigint), "-1 3 true"},
		{[2]float64{0.1, 0.29}, price, "10 29 true"}, // 0.29·100 is 28.999… in doubles
		{[2]float64{0.101, 0.109}, price, "11 10 false"},
	} {
		lo, hi, ok := WholeBounds(tt.bounds, tt.t)
		if got := fmt.Sprint(lo, hi, ok); got != tt.want {
			t.Errorf("%v of %s is %s, want %s", tt.bounds, tt.t, got, tt.want)
		}
	}
}

// TestWhole: what has no decimals is known by its form.
func TestWhole(t *testing.T) {
	for _, e := range []plan.Expr{column("n"), call("floor", column("x")), call("*", number(2), call("ceil", column("x"))), call("round", column("x")), number(3)} {
		if !Whole(e) {
			t.Errorf("%s is whole", plan.Print(e))
		}
	}
	for _, e := range []plan.Expr{column("x"), call("/", whole(1), number(2)), call("round", column("x"), whole(1)), number(2.5)} {
		if Whole(e) {
			t.Errorf("%s is not whole", plan.Print(e))
		}
	}
}
