package ranges

import (
	"maps"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/plan"
)

var double = plan.Of(plan.KindDouble)

// measures are columns by name.
type measures map[string]Column

func (m measures) Column(c *plan.Column) Column { return m[c.Name] }

func (m measures) Measures() []string { return slices.Sorted(maps.Keys(m)) }

// drawNumeric draws an expression over two measures.
func drawNumeric(t *rapid.T, depth int) plan.Expr {
	if depth == 0 || rapid.IntRange(0, 3).Draw(t, "leaf") == 0 {
		if rapid.Bool().Draw(t, "column") {
			return &plan.Column{Name: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "name"), Type: double}
		}
		return &plan.Literal{Value: plan.FloatValue(float64(rapid.IntRange(-40, 40).Draw(t, "quarters")) / 4)}
	}
	sub := func() plan.Expr { return drawNumeric(t, depth-1) }
	switch fn := rapid.SampledFrom([]string{"+", "-", "*", "/", "neg", "abs", "floor", "ceil", "round", "least", "greatest", "case", "sign", "nullif", "sqrt", "ln", "log10", "exp", "power", "width_bucket"}).Draw(t, "fn"); fn {
	case "neg":
		return &plan.Call{Func: "-", Args: []plan.Expr{sub()}}
	case "abs", "floor", "ceil", "sign", "sqrt", "ln", "log10", "exp":
		return &plan.Call{Func: fn, Args: []plan.Expr{sub()}}
	case "power":
		return &plan.Call{Func: fn, Args: []plan.Expr{sub(), &plan.Literal{Value: plan.FloatValue(rapid.SampledFrom([]float64{-2, -1, -0.5, 0, 0.5, 1, 2, 3}).Draw(t, "exponent"))}}}
	case "width_bucket":
		return &plan.Call{Func: fn, Args: []plan.Expr{
			sub(), &plan.Literal{Value: plan.FloatValue(-1)}, &plan.Literal{Value: plan.FloatValue(4)}, &plan.Literal{Value: plan.IntValue(plan.Of(plan.KindBigint), 7)},
		}}
	case "round":
		return &plan.Call{Func: fn, Args: []plan.Expr{sub(), &plan.Literal{Value: plan.IntValue(plan.Of(plan.KindBigint), 1)}}}
	case "case":
		return &plan.Case{Whens: []plan.When{{If: &plan.Call{Func: "<", Args: []plan.Expr{sub(), sub()}}, Then: sub()}}, Else: sub()}
	default:
		return &plan.Call{Func: fn, Args: []plan.Expr{sub(), sub()}}
	}
}

// evaluate computes a drawn expression; NaN for NULL.
func evaluate(e plan.Expr, row map[string]float64) float64 {
	switch e := e.(type) {
	case *plan.Column:
		return row[e.Name]
	case *plan.Literal:
		return e.Value.AsFloat()
	case *plan.Case:
		c := e.Whens[0].If.(*plan.Call)
		if evaluate(c.Args[0], row) < evaluate(c.Args[1], row) {
			return evaluate(e.Whens[0].Then, row)
		}
		return evaluate(e.Else, row)
	default:
		return evaluateCall(e.(*plan.Call), row)
	}
}

func evaluateCall(c *plan.Call, row map[string]float64) float64 {
	a := evaluate(c.Args[0], row)
	if len(c.Args) == 1 || c.Func == "round" {
		switch c.Func {
		case "-":
			return -a
		case "abs":
			return math.Abs(a)
		case "floor":
			return math.Floor(a)
		case "ceil":
			return math.Ceil(a)
		case "round":
			return math.Round(a*10) / 10
		case "sqrt":
			return math.Sqrt(a)
		case "ln":
			return naturalLog(a)
		case "log10":
			return decimalLog(a)
		case "exp":
			return math.Exp(a)
		default: // sign
			return float64(max(-1, min(1, int(math.Copysign(math.Ceil(min(math.Abs(a), 1)), a)))))
		}
	}
	b := evaluate(c.Args[1], row)
	switch c.Func {
	case "+":
		return a + b
	case "-":
		return a - b
	case "*":
		return a * b
	case "/":
		return a / b
	case "power":
		return math.Pow(a, b)
	case "width_bucket":
		n, _ := plan.WidthBucket(a, -1, 4, 7)
		return float64(n) + a - a // NULL of NULL
	case "least":
		return math.Min(a, b)
	case "greatest":
		return math.Max(a, b)
	default: // nullif
		if a == b {
			return math.NaN()
		}
		return a
	}
}

// TestValuesLieWithinTheBoundsOfTheirExpression: no value of rows within the
// contract's bounds is moved by more than a step when it is clamped.
func TestValuesLieWithinTheBoundsOfTheirExpression(t *testing.T) {
	r := New(measures{
		"x": {Measure: true, Bounds: [2]float64{-3, 5}, Scale: 2},
		"y": {Measure: true, Bounds: [2]float64{0.5, 7}, Scale: 1},
	})
	bounded := 0
	rapid.Check(t, func(t *rapid.T) {
		e := drawNumeric(t, 3)
		q, err := r.Quantum(e, "SUM")
		if err != nil {
			return // a division by what may be zero, or too wide
		}
		bounded++
		if q.Hi-q.Lo > plan.MaxSteps || max(q.Hi, -q.Lo) > plan.MaxStep || q.Mantissa < 1 || q.Scale < 0 || q.Scale > 18 {
			t.Fatalf("quantum %+v of %s", q, plan.Print(e))
		}
		row := map[string]float64{
			"x": float64(rapid.IntRange(-300, 500).Draw(t, "x")) / 100,
			"y": float64(rapid.IntRange(5, 70).Draw(t, "y")) / 10,
		}
		v := evaluate(e, row)
		step := float64(q.Mantissa) / math.Pow10(q.Scale)
		if !math.IsNaN(v) && (v < (float64(q.Lo)-1)*step || v > (float64(q.Hi)+1)*step) {
			t.Fatalf("%s at %v is %g, outside [%d, %d] steps of %g", plan.Print(e), row, v, q.Lo, q.Hi, step)
		}
	})
	if bounded < 20 {
		t.Errorf("only %d expressions had bounds", bounded)
	}
}

// TestLogarithmsOfTheLeastNumbers: what is below the least normal number has the
// logarithms that an engine finds.
func TestLogarithmsOfTheLeastNumbers(t *testing.T) {
	for x, want := range map[float64]float64{0x1p-1074: -1074, 0x1p-1060: -1060, 0x1p-1022: -1022, 1: 0, 8: 3} {
		if got := naturalLog(x) / math.Ln2; math.Abs(got-want) > 1e-10 {
			t.Errorf("ln(%g) is %g powers of 2, want %g", x, got, want)
		}
		if got := decimalLog(x) / (math.Ln2 / math.Ln10); math.Abs(got-want) > 1e-10 {
			t.Errorf("log10(%g) is %g powers of 2, want %g", x, got, want)
		}
	}
	if !math.IsInf(naturalLog(0), -1) || !math.IsInf(decimalLog(0), -1) || !math.IsNaN(naturalLog(-1)) || !math.IsInf(naturalLog(math.Inf(1)), 1) {
		t.Error("there is a logarithm of what has none")
	}
}
