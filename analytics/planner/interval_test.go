package planner

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

var double = plan.Of(plan.KindDouble)

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
			return math.Log(a)
		case "log10":
			return math.Log10(a)
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
	c := &contract.Contract{Dataset: "d", Columns: []contract.Column{
		{Name: "x", Type: double, Role: contract.RoleMeasure, Bounds: [2]float64{-3, 5}, Resolution: contract.Resolution{Mantissa: 1, Scale: 2}},
		{Name: "y", Type: double, Role: contract.RoleMeasure, Bounds: [2]float64{0.5, 7}, Resolution: contract.Resolution{Mantissa: 1, Scale: 1}},
	}}
	bounded := 0
	rapid.Check(t, func(t *rapid.T) {
		p := &planning{c: c, sel: &plan.Select{From: &plan.Table{Dataset: "d"}}}
		if err := p.sources(); err != nil {
			t.Fatal(err)
		}
		e := drawNumeric(t, 3)
		q, err := p.expressionQuantum(e, "SUM")
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

func TestSensitivityFollowsFromTheLimits(t *testing.T) {
	sum := plan.Draw{Kind: plan.DrawSum, Quantum: plan.Quantum{Mantissa: 1, Lo: 1, Hi: 5}}
	centred := plan.Draw{Kind: plan.DrawSum, Quantum: plan.Quantum{Mantissa: 1, Lo: 1, Hi: 5, Centre: 3}}
	rows, units := plan.Draw{Kind: plan.DrawRows}, plan.Draw{Kind: plan.DrawUnits}
	for name, c := range map[string]struct {
		draw         plan.Draw
		limits       privacy.Bounds
		l0, linf     int64
		l1, l2square float64
	}{
		"rows":                {rows, privacy.Bounds{MaxPartitions: 4, MaxRowsPerPartition: 3}, 4, 3, 12, 4 * 9},
		"units":               {units, privacy.Bounds{MaxPartitions: 4, MaxRowsPerPartition: 3}, 4, 1, 4, 4},
		"a sum":               {sum, privacy.Bounds{MaxPartitions: 4, MaxRowsPerPartition: 3}, 4, 15, 60, 4 * 15 * 15},
		"a centred sum":       {centred, privacy.Bounds{MaxPartitions: 4, MaxRowsPerPartition: 3}, 4, 6, 24, 4 * 6 * 6},
		"rows, at most 5":     {rows, privacy.Bounds{MaxPartitions: 4, MaxRowsPerPartition: 3, MaxRows: 5}, 4, 3, 5, 3 * 5},
		"units, at most 2":    {units, privacy.Bounds{MaxPartitions: 4, MaxRowsPerPartition: 3, MaxRows: 2}, 4, 1, 2, 2},
		"one row at the most": {sum, privacy.Bounds{MaxPartitions: 1, MaxRowsPerPartition: 1, MaxRows: 1}, 1, 5, 5, 25},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := sensitivity(c.draw, c.limits)
			if err != nil {
				t.Fatal(err)
			}
			if s.L0 != c.l0 || s.LInf != c.linf || s.L1 != c.l1 || math.Abs(s.L2*s.L2-c.l2square) > 1e-9 {
				t.Errorf("got %+v, want %+v", s, c)
			}
		})
	}
	wide := plan.Draw{Kind: plan.DrawSum, Quantum: plan.Quantum{Mantissa: 1, Lo: 0, Hi: plan.MaxStep}}
	if _, err := sensitivity(wide, privacy.Bounds{MaxPartitions: 1, MaxRowsPerPartition: privacy.MaxBound}); privacy.CodeOf(err) != privacy.CodePrivacyParameters {
		t.Errorf("a unit whose sum leaves 61 bits: %v", err)
	}
}
