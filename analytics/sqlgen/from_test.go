package sqlgen_test

import (
	"strings"
	"testing"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/sqlgen"
	"github.com/noised/noised/privacy"
)

func col(alias, name string, k plan.Kind) *plan.Column {
	return &plan.Column{Qualifier: alias, Name: name, Type: plan.Of(k)}
}

// joined is a plan over orders o, customers c and, by a name that needs quotes,
// nations.
func joined() *plan.Bound {
	return &plan.Bound{
		Sources: []plan.Source{
			{Table: "orders", Alias: "o"},
			{Table: "customer", Alias: "c"},
			{Table: "nation", Alias: `n"1`, Public: true, Outer: true, On: []plan.Equal{{Left: col("c", "home", plan.KindInteger), Right: col(`n"1`, "id", plan.KindBigint)}}},
		},
		Filter: &plan.Call{Func: "=", Args: []plan.Expr{col(`n"1`, "name", plan.KindVarchar), &plan.Literal{Value: plan.StringValue("x")}}},
		Draws:  []plan.Draw{{Kind: plan.DrawRows}},
	}
}

func TestJoinText(t *testing.T) {
	st, err := sqlgen.Generate(joined(), sqlgen.Relation{Tenant: "t", Catalog: "s0", Tables: map[string][]string{"orders": {"s0", "s2"}, "customer": {"s1"}}})
	if err != nil {
		t.Fatal(err)
	}
	want := `SELECT "_unit" FROM (SELECT j0."_unit", j1."home" AS "c.home", j2."id" AS "n""1.id", j2."name" AS "n""1.name"` +
		` FROM (SELECT "_unit" FROM "s0".main."rows" UNION ALL SELECT "_unit" FROM "s2".main."rows") AS j0` +
		` JOIN (SELECT "_unit", "home" FROM "s1".main."rows") AS j1 ON j1."_unit" = j0."_unit"` +
		` LEFT JOIN (SELECT CAST(NULL AS BIGINT) AS "id", CAST(NULL AS VARCHAR) AS "name" WHERE FALSE) AS j2 ON j1."home" = j2."id")` +
		` WHERE ("n""1.name" = 'x') ORDER BY ALL`
	if st.SQL != want {
		t.Errorf("got  %s\nwant %s", st.SQL, want)
	}
}

// TestRowsOfAUnitThatAreJoined: one for each key of a table that is referred to,
// and not more of any private table than a cap allows.
func TestRowsOfAUnitThatAreJoined(t *testing.T) {
	p := joined()
	p.Sources[1].Once, p.Sources[1].Key = true, "home"
	r := sqlgen.Relation{Tenant: "t", Catalog: "s0", Tables: map[string][]string{"orders": {"s0"}, "customer": {"s1"}}, Cap: sqlgen.Cap{Rows: 9, Key: "0af"}}
	st, err := sqlgen.Generate(p, r)
	if err != nil {
		t.Fatal(err)
	}
	once := `(SELECT "_unit", "home" FROM (SELECT "_unit", "home" FROM "s1".main."rows") QUALIFY row_number() OVER (PARTITION BY "_unit", "home" ORDER BY "_unit", "home") = 1)`
	for _, want := range []string{
		`(SELECT "_unit", "home" FROM ` + once + ` QUALIFY row_number() OVER (PARTITION BY "_unit" ORDER BY md5(concat_ws(chr(31), '0af', "_unit", "home")), "_unit", "home") <= 9) AS j1`,
		`(SELECT "_unit" FROM (SELECT "_unit" FROM "s0".main."rows") QUALIFY row_number() OVER (PARTITION BY "_unit" ORDER BY md5(concat_ws(chr(31), '0af', "_unit")), "_unit") <= 9) AS j0`,
	} {
		if !strings.Contains(st.SQL, want) {
			t.Errorf("%s\nlacks %s", st.SQL, want)
		}
	}
	r.Cap.Key = "'"
	if _, err := sqlgen.Generate(p, r); privacy.CodeOf(err) != privacy.CodeInternal {
		t.Errorf("a key that is no number: %v", err)
	}
	p.Sources[1].Key = "other"
	r.Cap.Key = ""
	if _, err := sqlgen.Generate(p, r); privacy.CodeOf(err) != privacy.CodeInternal {
		t.Errorf("a key that is not read: %v", err)
	}
}

// TestOneTableOfSeveralIsReadInStoredOrder: without a join nothing is sorted.
func TestOneTableOfSeveralIsReadInStoredOrder(t *testing.T) {
	p := joined()
	p.Sources, p.Filter = p.Sources[:1], nil
	p.Keys = []plan.Key{{Column: `"o"."kind"`, Expr: col("o", "kind", plan.KindVarchar), Type: plan.Of(plan.KindVarchar)}}
	st, err := sqlgen.Generate(p, sqlgen.Relation{Tenant: "t", Catalog: "s0"})
	if err != nil {
		t.Fatal(err)
	}
	if want := `SELECT "_unit", "o.kind" FROM (SELECT "_unit", "kind" AS "o.kind" FROM "s0".main."rows")`; st.SQL != want {
		t.Errorf("got  %s\nwant %s", st.SQL, want)
	}
}

// TestJoinsThatNoPlannerMakes are refused here too: rows of nobody, products,
// and comparisons that cast.
func TestJoinsThatNoPlannerMakes(t *testing.T) {
	for name, spoil := range map[string]func(*plan.Bound){
		"a public table first":          func(p *plan.Bound) { p.Sources[0].Public = true },
		"the first table on the right":  func(p *plan.Bound) { p.Sources[0].Outer = true },
		"a product":                     func(p *plan.Bound) { p.Sources[2].On = nil },
		"an alias twice":                func(p *plan.Bound) { p.Sources[1].Alias = "o" },
		"an equality of other tables":   func(p *plan.Bound) { p.Sources[2].On[0].Right = col("o", "id", plan.KindBigint) },
		"an equality with a later one":  func(p *plan.Bound) { p.Sources[2].On[0].Left = col("z", "home", plan.KindInteger) },
		"a text compared with a number": func(p *plan.Bound) { p.Sources[2].On[0].Left = col("c", "home", plan.KindVarchar) },
	} {
		p := joined()
		spoil(p)
		st, err := sqlgen.Generate(p, sqlgen.Relation{Tenant: "t", Catalog: "s0", Tables: map[string][]string{}})
		if privacy.CodeOf(err) != privacy.CodeInternal {
			t.Errorf("%s: %v, %v", name, st, err)
		}
	}
	if st, err := sqlgen.Generate(joined(), sqlgen.Relation{Tenant: "t", Catalog: "s0"}); err != nil || strings.Count(st.SQL, "WHERE FALSE") != 3 {
		t.Errorf("tables that nobody has loaded: %v, %v", st, err)
	}
}

// TestUnitsOfARange: of every private table, and before anything else is done
// with its rows; of public ones all rows are read.
func TestUnitsOfARange(t *testing.T) {
	p, r := joined(), sqlgen.Relation{Tenant: "t", Catalog: "s0", Tables: map[string][]string{"orders": {"s0"}, "customer": {"s1"}, "nation": {"s2"}}}
	p.Sources[1].Once = true
	for _, tt := range []struct {
		of   sqlgen.Range
		want string
	}{
		{sqlgen.Range{From: 5}, `WHERE "_unit" >= 5::UBIGINT`},
		{sqlgen.Range{Below: 7}, `WHERE "_unit" < 7::UBIGINT`},
		{sqlgen.Range{From: 1 << 63, Below: 1<<64 - 1}, `WHERE "_unit" >= 9223372036854775808::UBIGINT AND "_unit" < 18446744073709551615::UBIGINT`},
	} {
		r.Units = tt.of
		st, err := sqlgen.Generate(p, r)
		if err != nil {
			t.Fatal(err)
		}
		for i, text := range []string{`FROM (SELECT * FROM "s0".main."rows" `, `FROM (SELECT * FROM "s1".main."rows" `} {
			if !strings.Contains(st.SQL, text+tt.want+")") {
				t.Errorf("table %d is read whole: %s", i, st.SQL)
			}
		}
		if strings.Contains(st.SQL, `"s2".main."rows" WHERE`) {
			t.Errorf("a public table is read in part: %s", st.SQL)
		}
	}
}
