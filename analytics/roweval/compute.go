package roweval

import "math"

// Finite reports whether f may be a literal: neither NaN nor infinite.
func Finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

// Holds reports whether a comparison is true of operands in the given order, as
// plan.Value.Compare returns it.
func Holds(op string, order int) bool {
	switch op {
	case "=":
		return order == 0
	case "<>":
		return order != 0
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	default:
		return order >= 0
	}
}

// Compute applies + - * / to doubles, and − to one. NaN stands for the NULL of a
// division by zero, which is an engine's to compute.
func Compute(op string, fs []float64) float64 {
	switch {
	case len(fs) == 1:
		return -fs[0]
	case op == "+":
		return fs[0] + fs[1]
	case op == "-":
		return fs[0] - fs[1]
	case op == "*":
		return fs[0] * fs[1]
	case fs[1] == 0:
		return math.NaN()
	default:
		return fs[0] / fs[1]
	}
}
