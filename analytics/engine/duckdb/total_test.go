package duckdb

import (
	"context"
	"math"
	"testing"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// operands are, per class of argument, columns full of values at which a
// careless engine fails, and literals.
func operands() map[plan.Class][]plan.Expr {
	d := &plan.Column{Name: "d", Type: decimalType}
	b, f, s, t := column("b", plan.KindBigint), column("f", plan.KindDouble), column("s", plan.KindVarchar), column("t", plan.KindVarchar)
	dt, ts, g := column("dt", plan.KindDate), column("ts", plan.KindTimestamp), column("g", plan.KindBoolean)
	bigints := func(vs ...int64) (out []plan.Expr) {
		for _, v := range vs {
			out = append(out, lit(plan.IntValue(plan.Of(plan.KindBigint), v)))
		}
		return out
	}
	m := map[plan.Class][]plan.Expr{
		plan.ClassAny: {b, d, f, s, t, dt, ts, g}, plan.ClassSame: {f, b, d, s, dt, ts, g},
		plan.ClassBoolean: {g}, plan.ClassDouble: {f, lit(plan.FloatValue(0)), lit(plan.FloatValue(-1))}, plan.ClassBigint: {b},
		plan.ClassFinite: {lit(plan.FloatValue(-1e9)), lit(plan.FloatValue(math.MaxFloat64)), lit(plan.FloatValue(0))},
		plan.ClassText:   {s, t}, plan.ClassTime: {dt, ts},
		plan.ClassPattern: {lit(plan.StringValue("%a_")), lit(plan.StringValue(`\`))},
		plan.ClassDigits:  bigints(0, plan.MaxDigits), plan.ClassIndex: bigints(1, plan.MaxIndex), plan.ClassDivisor: bigints(1, plan.MaxIndex),
	}
	for _, part := range plan.DateParts {
		m[plan.ClassPart] = append(m[plan.ClassPart], lit(plan.StringValue(part)))
	}
	return m
}

// calls returns calls of a function on operands of its classes; operands of
// ClassSame are the same in all places.
func calls(f plan.Function) []plan.Expr {
	var out []plan.Expr
	pool := operands()
	var extend func(args []plan.Expr, same plan.Expr)
	extend = func(args []plan.Expr, same plan.Expr) {
		if len(args) >= len(f.Args)-f.Optional {
			out = append(out, call(f.Name, append([]plan.Expr(nil), args...)...))
		}
		if len(args) == len(f.Args) {
			return
		}
		class := f.Args[len(args)]
		if class == plan.ClassSame && same != nil {
			extend(append(args, same), same)
			return
		}
		for _, e := range pool[class] {
			next := same
			if class == plan.ClassSame {
				next = e
			}
			extend(append(args, e), next)
		}
	}
	extend(nil, nil)
	return out
}

// No function that a query may use fails on any row: every one runs over NaN,
// infinities, the ends of all types, dates beyond the calendar and empty texts.
func TestNoRowFailsAFunction(t *testing.T) {
	_, tables := randomTables(t, 4)
	e := newEngine(t, Options{})
	for _, f := range plan.RowFunctions {
		p := &plan.Bound{Tenants: tenantNames, Limits: privacy.Bounds{MaxPartitions: 1, MaxRowsPerPartition: 9}}
		for _, c := range calls(f) {
			p.Draws = append(p.Draws, plan.Draw{Kind: plan.DrawRows, Mask: call("is not null", c)})
			if f.Result == plan.ClassDouble || f.Result == plan.ClassBigint {
				p.Draws = append(p.Draws, plan.Draw{Kind: plan.DrawSum, Value: asDouble(f, c), Quantum: plan.Quantum{Mantissa: 1, Scale: 3, Lo: -9, Hi: 9}})
			}
		}
		runAll(t, e, f.Name, p, tables)
	}
}

// asDouble gives a call the type that its function declares.
func asDouble(f plan.Function, c plan.Expr) plan.Expr {
	if f.Result == plan.ClassDouble {
		return c
	}
	return &plan.Cast{Arg: c, To: plan.Of(plan.KindDouble)}
}

// No cast fails on any row.
func TestNoRowFailsACast(t *testing.T) {
	_, tables := randomTables(t, 4)
	e := newEngine(t, Options{})
	numbers := []plan.Type{plan.Of(plan.KindTinyint), plan.Of(plan.KindSmallint), plan.Of(plan.KindInteger), plan.Of(plan.KindBigint), decimalType,
		{Kind: plan.KindDecimal, Precision: 18, Scale: 18}, plan.Of(plan.KindDouble), plan.Of(plan.KindBoolean), plan.Of(plan.KindVarchar)}
	times := []plan.Type{plan.Of(plan.KindDate), plan.Of(plan.KindTimestamp), plan.Of(plan.KindVarchar)}
	for _, c := range columnTypes {
		targets := numbers
		switch c.name {
		case "dt", "ts":
			targets = times
		case "s", "t":
			targets = append(times, numbers...)
		}
		p := &plan.Bound{Tenants: tenantNames, Limits: privacy.Bounds{MaxPartitions: 1, MaxRowsPerPartition: 9}}
		for _, to := range targets {
			cast := &plan.Cast{Arg: &plan.Column{Name: c.name}, To: to}
			p.Draws = append(p.Draws, plan.Draw{Kind: plan.DrawRows, Mask: call("is not null", cast)})
			if to.IsNumeric() {
				p.Draws = append(p.Draws, plan.Draw{Kind: plan.DrawSum, Value: cast, Quantum: plan.Quantum{Mantissa: 7, Scale: 18, Lo: -plan.MaxStep, Hi: plan.MaxStep}})
			}
		}
		runAll(t, e, c.name, p, tables)
	}
}

func runAll(t *testing.T, e *Engine, name string, p *plan.Bound, tables []table) {
	t.Helper()
	for _, table := range tables {
		if _, err := e.Run(context.Background(), engine.Input{Plan: p, Segments: table.segments[0]}); err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
	}
}
