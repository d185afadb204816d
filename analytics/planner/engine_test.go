package planner

import (
	"database/sql"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/binding"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/ranges"
	"github.com/noised/noised/analytics/roweval"
	"github.com/noised/noised/analytics/sqlgen"
)

// tame holds rows of the shop whose dimensions have declared values, and whose
// measures are anything.
const tame = `VALUES
	(0, 'ab', 'north', 1, TRUE, DATE '2024-01-01', TIMESTAMP '2024-02-29 23:59:59.5', 0, 0, 0::DOUBLE, 0),
	(1, 'A b ', 'south', 500, FALSE, DATE '2024-12-31', TIMESTAMP '1969-12-31 23:00:00', 999.99, 1, -49.9999::DOUBLE, 100),
	(2, '12', 'east', 1000, TRUE, DATE '2024-02-29', TIMESTAMP '2000-01-03 00:00:00', 1000, 0.5, 50::DOUBLE, 50),
	(3, '-7', 'north', 999, FALSE, DATE '2024-09-30', TIMESTAMP '9999-12-31 00:00:00', 5000.25, 9.99, 1e300::DOUBLE, 32767),
	(4, 'é', 'east', 7, TRUE, DATE '2024-04-01', TIMESTAMP '0001-01-01 00:00:00', -3, -1, 'nan'::DOUBLE, -5),
	(5, NULL, 'south', 12, TRUE, DATE '2024-07-07', NULL, NULL, NULL, NULL, NULL)`

// rowsOf reads the shop's rows as plans see them.
func rowsOf(t *testing.T, db *sql.DB, f *fixture) map[uint64]map[string]plan.Value {
	t.Helper()
	out := map[uint64]map[string]plan.Value{}
	for _, col := range f.contracts["shop"].Columns {
		if col.Name == "customer" {
			continue
		}
		keys := keysBy(t, db, plan.Key{Column: col.Name, Type: col.Type})
		for unit, v := range keys {
			if out[unit] == nil {
				out[unit] = map[string]plan.Value{plan.TenantColumn: plan.StringValue("acme")}
			}
			out[unit][col.Name] = v
		}
	}
	return out
}

// keysBy renders a key, runs it, and returns its value by unit.
func keysBy(t interface{ Fatal(...any) }, db *sql.DB, k plan.Key) map[uint64]plan.Value {
	b := &plan.Bound{Keys: []plan.Key{k}, Draws: []plan.Draw{{Kind: plan.DrawRows}}}
	st, err := sqlgen.Generate(b, sqlgen.Relation{Catalog: "seg", Tenant: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	value := fmt.Sprintf("x%d", st.Layout.Keys[0])
	if k.Type.Kind == plan.KindDecimal { // unscaled
		value = fmt.Sprintf("CAST(%s * 1%0*d AS BIGINT)", value, k.Type.Scale, 0)
	}
	rows, err := db.Query(fmt.Sprintf("SELECT x0, %s FROM (%s) t(x0, x1)", value, st.SQL))
	if err != nil {
		t.Fatal(err, st.SQL)
	}
	defer rows.Close()
	out := map[uint64]plan.Value{}
	for rows.Next() {
		var unit uint64
		var v any
		if err := rows.Scan(&unit, &v); err != nil {
			t.Fatal(err, st.SQL)
		}
		out[unit] = fromDuckDB(v, k.Type)
	}
	if rows.Err() != nil || len(out) == 0 {
		t.Fatal(rows.Err(), st.SQL)
	}
	return out
}

func fromDuckDB(v any, t plan.Type) plan.Value {
	switch v := v.(type) {
	case nil:
		return plan.Null(t)
	case bool:
		b := plan.BoolValue(v)
		b.Type = t
		return b
	case float64:
		return plan.FloatValue(v)
	case string:
		return plan.StringValue(v)
	case time.Time:
		if t.Kind == plan.KindDate {
			return plan.IntValue(t, roweval.FloorDay(v.UnixMicro()))
		}
		return plan.IntValue(t, v.UnixMicro())
	case int8:
		return plan.IntValue(t, int64(v))
	case int16:
		return plan.IntValue(t, int64(v))
	case int32:
		return plan.IntValue(t, int64(v))
	case int64:
		return plan.IntValue(t, v)
	}
	panic(fmt.Sprintf("%T", v))
}

// TestTheEvaluatorAgreesWithTheEngine: where the planner computes a value it is
// the engine's, for random expressions and rows. If not, a declared domain would
// lack the values that rows have.
func TestTheEvaluatorAgreesWithTheEngine(t *testing.T) {
	f, db := newFixture(t), shopTable(t, tame)
	rows := rowsOf(t, db, f)
	certain, all := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		p := shopPlanning(f)
		b := p.row("GROUP BY")
		e, err := b.Bind(drawTyped(t, anyKind(t), 3))
		if err != nil || columnsIn(e) == 0 || isTenant(e) {
			return
		}
		engine := keysBy(t, db, plan.Key{Column: plan.Print(e), Expr: e, Type: binding.RowType(e)})
		for unit, want := range engine {
			ev := &roweval.Evaluator{Kind: binding.RowType, Atoms: map[plan.Expr]int{}}
			plan.Walk(e, func(e plan.Expr) bool {
				if c, ok := e.(*plan.Column); ok {
					ev.Atoms[c] = len(ev.Given)
					ev.Given = append(ev.Given, rows[unit][c.Name])
				}
				return true
			})
			if slices.ContainsFunc(ev.Given, func(v plan.Value) bool { return math.IsNaN(v.Float) }) {
				continue // no declared value is
			}
			all++
			got, ok := ev.Of(e)
			if !ok {
				continue
			}
			certain++
			if got.Null != want.Null || !got.Null && got.Compare(want) != 0 {
				t.Fatalf("%s of row %d is %s here, %s in the engine", plan.Print(e), unit, got.Canonical(), want.Canonical())
			}
		}
	})
	if certain < all/3 {
		t.Errorf("only %d of %d values were certain", certain, all)
	}
}

func shopPlanning(f *fixture) *planning { return planningOf(f, "shop") }

// planningOf returns the state of planning before the first expression.
func planningOf(f *fixture, dataset string) *planning {
	c := f.contracts[dataset]
	p := &planning{sel: &plan.Select{From: &plan.Table{Dataset: dataset}}, ds: Dataset{Contract: c, Members: members}, c: c}
	p.ranges = ranges.New(known{p})
	for _, rule := range []func() error{p.sources, p.parameters, p.tenants} {
		if err := rule(); err != nil {
			panic(err)
		}
	}
	return p
}

// TestDeclaredDomainsCoverTheRows: whatever expression is a declared key, a row
// with declared values has one of its values, also where its measures are beyond
// their bounds. A key without a value for a row must itself be NULL there.
func TestDeclaredDomainsCoverTheRows(t *testing.T) {
	f, db := newFixture(t), shopTable(t, tame)
	declared := 0
	check := func(t interface {
		Fatal(...any)
		Fatalf(string, ...any)
	}, written plan.Expr,
	) {
		p := shopPlanning(f)
		p.keyOf = map[string]string{}
		k, err := p.key(written)
		if err != nil || k.Secret() {
			return
		}
		declared++
		if k.Column == plan.TenantColumn {
			return
		}
		for unit, v := range keysBy(t, db, k) {
			if !v.Null && !slices.ContainsFunc(k.Domain, func(d plan.Value) bool { return !d.Null && d.Compare(v) == 0 }) {
				t.Fatalf("%s of row %d is %s, which its domain of %d values has not", k.Column, unit, v.Canonical(), len(k.Domain))
			}
		}
	}
	for _, written := range []string{
		"floor(price / 7)", "ceil(weight)", "round(weight * 3)", "width_bucket(weight, -10, 10, 7)", "width_bucket(price, 0.1, 0.7, 6)", "items // 7", "items % 7",
		"floor(price * 0.1) * 10", "CAST(weight / 3 AS INTEGER)", "floor(sqrt(price))", "floor(log10(price + 1))", "ceil(ln(price + 1))", "floor(power(weight, 2) / 100)",
		"floor(price / 250) + grade // 100", "year(ordered) * 100 + month(ordered)", "date_trunc('week', ordered)", "dayofweek(ordered)", "concat(region, month(ordered)::VARCHAR)",
		"CASE WHEN price < 10 THEN 'low' WHEN weight > 3 THEN region END", "least(greatest(items, 10), 20)", "floor(abs(weight) / 10)", "floor(-price / 100)", "month(shipped)",
		"floor((price - weight) / 50)", "round(price * (1 - discount) / 100)", "coalesce(items, -1)", "floor(exp(discount))", "-(items // 10)",
		"floor(discount * log10(5e-324))", // below the least normal number
	} {
		sel, err := f.parser.Parse(t.Context(), "SELECT COUNT(*) FROM shop GROUP BY "+written)
		if err != nil {
			t.Fatal(written, err)
		}
		was := declared
		check(t, sel.GroupBy[0])
		if declared == was {
			t.Errorf("%s is not declared", written)
		}
	}
	rapid.Check(t, func(t *rapid.T) { check(t, drawTyped(t, anyKind(t), 3)) })
}

// TestLettersOfKeysAreCertain: whole ASCII has the case that the engine gives it.
func TestLettersOfKeysAreCertain(t *testing.T) {
	db := shopTable(t, tame)
	for r := rune(1); r < 128; r++ {
		for _, fn := range []string{"lower", "upper"} {
			var want string
			if err := db.QueryRow("SELECT "+fn+"(chr(?::INTEGER))", int32(r)).Scan(&want); err != nil {
				t.Fatal(err)
			}
			if got, ok := new(roweval.Evaluator).Of(&plan.Call{Func: fn, Args: []plan.Expr{&plan.Literal{Value: plan.StringValue(string(r))}}}); !ok || got.Str != want {
				t.Errorf("%s of %q is %q, in the engine %q", fn, r, got.Str, want)
			}
		}
	}
}
