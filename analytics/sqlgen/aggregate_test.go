package sqlgen

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

func TestAggregate(t *testing.T) {
	text := plan.Of(plan.KindVarchar)
	byName := plan.Strategy{Bounding: plan.BoundIndex, Grouping: []string{"name"}}
	stars := plan.Quantum{Mantissa: 1, Lo: 1, Hi: 5, Centre: 3}
	wide := plan.Quantum{Mantissa: 1, Scale: 2, Lo: 0, Hi: 16000, Centre: 8000}
	tests := []struct {
		name  string
		plan  plan.Bound
		known Known
		want  Aggregation
	}{
		{
			"an index is a filter, units are counted where the rank is 0, and the centre is subtracted from the total",
			plan.Bound{
				Keys: []plan.Key{{Column: "name", Type: text}, {Column: plan.TenantColumn, Type: text}},
				Draws: []plan.Draw{{Kind: plan.DrawUnits}, {Kind: plan.DrawSum, Value: rating, Quantum: stars},
					{Kind: plan.DrawRows, Mask: call("is not null", rating)}},
				Limits: privacy.Bounds{MaxPartitions: 3, MaxRowsPerPartition: 2}, Strategy: byName,
			},
			Known{Below: func(string, string, int64) bool { return false }},
			Aggregation{
				SQL: `SELECT c0, _tag, sum((_rank = 0)::UTINYINT), sum(c1), count(c1) FROM (` +
					`SELECT "name" AS c0, (CASE WHEN "rating" < CAST('1' AS TINYINT) THEN CAST('1' AS TINYINT) WHEN "rating" > CAST('5' AS TINYINT) THEN CAST('5' AS TINYINT) ELSE "rating" END) AS c1, "_row:name" AS _rank, 0 AS _tag FROM "s3".main."rows" WHERE "_key:name" < 3 AND "_row:name" < 2 UNION ALL ` +
					`SELECT "name" AS c0, (CASE WHEN "rating" < CAST('1' AS TINYINT) THEN CAST('1' AS TINYINT) WHEN "rating" > CAST('5' AS TINYINT) THEN CAST('5' AS TINYINT) ELSE "rating" END) AS c1, "_row:name" AS _rank, 1 AS _tag FROM "s4".main."rows" WHERE "_key:name" < 3 AND "_row:name" < 2` +
					`) GROUP BY c0, _tag`,
				Tenant: 1, Keys: []int{0, None}, Draws: []DrawTotal{{2, None, 0}, {3, 4, -3}, {None, 4, 1}},
			},
		},
		{
			"a unit has no more groups than are declared; values that are stored within the bounds are read as they are",
			plan.Bound{
				Keys:   []plan.Key{{Column: "name", Type: text, Domain: []plan.Value{plan.StringValue("x"), plan.StringValue("y")}}},
				Draws:  []plan.Draw{{Kind: plan.DrawSum, Value: price, Quantum: plan.Quantum{Mantissa: 1, Scale: 2, Lo: 0, Hi: 500}}},
				Limits: privacy.Bounds{MaxPartitions: 2, MaxRowsPerPartition: 9}, Strategy: byName,
			},
			Known{Within: func(v plan.Expr, q plan.Quantum) bool { return v == plan.Expr(price) && q.Hi == 500 }},
			Aggregation{
				SQL: `SELECT c0, sum(c1) FROM (SELECT "name" AS c0, "price" AS c1, 0 AS _tag FROM "s3".main."rows" WHERE "_row:name" < 9 UNION ALL ` +
					`SELECT "name" AS c0, "price" AS c1, 1 AS _tag FROM "s4".main."rows" WHERE "_row:name" < 9) GROUP BY c0`,
				Tenant: None, Keys: []int{0}, Draws: []DrawTotal{{1, None, 0}},
			},
		},
		{
			"ranks that are all below a limit are not compared with it, and the tenant is that of each relation",
			plan.Bound{
				Keys:     []plan.Key{{Column: "name", Type: text, Coded: true}},
				Filter:   call("=", column(plan.TenantColumn, plan.KindVarchar), lit(plan.StringValue("x"))),
				Draws:    []plan.Draw{{Kind: plan.DrawRows}},
				Limits:   privacy.Bounds{MaxPartitions: 3, MaxRowsPerPartition: 2},
				Strategy: byName,
			},
			Known{Below: func(_, rank string, limit int64) bool { return rank == "_row:name" && limit == 2 }},
			Aggregation{
				SQL: `SELECT c0, count(*) FROM (SELECT "_code:name" AS c0, 0 AS _tag FROM "s3".main."rows" WHERE "_key:name" < 3 AND ('o''brien' = 'x') UNION ALL ` +
					`SELECT "_code:name" AS c0, 1 AS _tag FROM "s4".main."rows" WHERE "_key:name" < 3 AND ('x' = 'x')) GROUP BY c0`,
				Tenant: None, Keys: []int{0}, Draws: []DrawTotal{{None, 1, 1}},
			},
		},
		{
			"a limit of rows comes before the filter, and squares are those of steps from the centre",
			plan.Bound{
				Filter: call("=", name, lit(plan.StringValue("x"))),
				Draws: []plan.Draw{{Kind: plan.DrawSquares, Value: price, Mask: call("is not null", weight), Quantum: wide, Square: plan.SquareOf(wide)},
					{Kind: plan.DrawRows}},
				Limits: privacy.Bounds{MaxPartitions: 1, MaxRowsPerPartition: 4, MaxRows: 4}, Strategy: plan.Strategy{Bounding: plan.BoundRows},
			},
			Known{Within: func(plan.Expr, plan.Quantum) bool { return true }},
			Aggregation{
				SQL: `SELECT sum((((CAST((c0 * CAST(100 AS DECIMAL(3,0))) AS BIGINT) - 8000) * (CAST((c0 * CAST(100 AS DECIMAL(3,0))) AS BIGINT) - 8000)) >> 2)) FILTER (WHERE c1), ` +
					`count(c0) FILTER (WHERE c1), count(*) FROM (` +
					`SELECT "price" AS c0, (("weight" IS NOT NULL)) AS c1, 0 AS _tag FROM "s3".main."rows" WHERE "_row" < 4 AND ("name" = 'x') UNION ALL ` +
					`SELECT "price" AS c0, (("weight" IS NOT NULL)) AS c1, 1 AS _tag FROM "s4".main."rows" WHERE "_row" < 4 AND ("name" = 'x'))`,
				Tenant: None, Draws: []DrawTotal{{0, 1, -8000000}, {None, 2, 1}},
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Aggregate(&tt.plan, tt.known, relation, Relation{Catalog: "s4", Tenant: "x"})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&tt.want, got); diff != "" {
				t.Errorf("−want +got:\n%s", diff)
			}
		})
	}
}

// A statement that has to do with joins keeps, of each table, what its ranks say.
func TestAggregateOfAJoin(t *testing.T) {
	of := func(alias, name string) *plan.Column {
		return &plan.Column{Qualifier: alias, Name: name, Type: plan.Of(plan.KindBigint)}
	}
	p := plan.Bound{
		Sources: []plan.Source{
			{Table: "item", Alias: "i"},
			{Table: "buy", Alias: "b", Once: true, Key: "k", On: []plan.Equal{{Left: of("i", "buy"), Right: of("b", "k")}}},
			{Table: "person", Alias: "p", Once: true},
			{Table: "city", Alias: "c", Public: true, On: []plan.Equal{{Left: of("b", "city"), Right: of("c", "id")}}},
		},
		Draws:  []plan.Draw{{Kind: plan.DrawRows}},
		Limits: privacy.Bounds{MaxPartitions: 1, MaxRowsPerPartition: 4, MaxRows: 4}, Strategy: plan.Strategy{Bounding: plan.BoundRows},
	}
	city := of("c", "name")
	city.Type = plan.Of(plan.KindVarchar)
	p.Keys = []plan.Key{{Column: "c.name", Expr: city, Type: city.Type, Domain: []plan.Value{plan.StringValue("x")}, Coded: true}}
	got, err := Aggregate(&p, Known{}, Relation{Tables: map[string][]string{"item": {"s0"}, "buy": {"s1"}, "person": {"s2"}, "city": {"s3"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		`FROM "s0".main."rows" WHERE "_row" < 4)`, `FROM "s1".main."rows" WHERE "_row:k" < 1)`,
		`FROM "s2".main."rows" WHERE "_row" < 1)`, `SELECT "_code:name", "id" FROM "s3".main."rows")`,
		`j3."_code:name" AS "c._code:name"`, `SELECT "c._code:name" AS c0`,
		`j1."_unit" = j0."_unit" AND j0."buy" = j1."k"`, `j2."_unit" = j0."_unit"`,
	} {
		if !strings.Contains(got.SQL, part) {
			t.Errorf("%s is not in %s", part, got.SQL)
		}
	}
	all := Known{Below: func(string, string, int64) bool { return true }}
	if whole, err := Aggregate(&p, all, Relation{Tables: map[string][]string{"item": {"s0"}, "buy": {"s1"}}}); err != nil ||
		!strings.Contains(whole.SQL, `(SELECT "_unit", "buy" FROM "s0".main."rows") AS j0`) || strings.Contains(whole.SQL, "QUALIFY") || strings.Contains(whole.SQL, "_row") {
		t.Errorf("a join of rows whose ranks are all below the limits: %v, %v", whole, err)
	}
	none, err := Aggregate(&p, Known{}, Relation{Tables: map[string][]string{"item": {"s0"}}})
	if err != nil || !strings.Contains(none.SQL, `CAST(NULL AS USMALLINT) AS "_code:name"`) {
		t.Errorf("codes of a table that nobody has loaded: %v, %v", none, err)
	}
	streamed, err := Generate(&p, Relation{Tables: map[string][]string{"item": {"s0"}}})
	if err != nil || strings.Contains(streamed.SQL, "_code") {
		t.Errorf("which rows are streamed could depend on codes: %v, %v", streamed, err)
	}
}

// What ranks do not bound is refused here, too.
func TestRefusedAggregates(t *testing.T) {
	rows := plan.Strategy{Bounding: plan.BoundRows}
	for name, p := range map[string]plan.Bound{
		"a stream":                 {},
		"different values":         {Strategy: rows, Limits: privacy.Bounds{MaxRows: 1}, Draws: []plan.Draw{{Kind: plan.DrawDistinct, Value: name}}},
		"no limit":                 {Strategy: rows},
		"a limit beyond all ranks": {Strategy: rows, Limits: privacy.Bounds{MaxRows: plan.MaxRank + 1}},
		"units with a condition":   {Strategy: rows, Limits: privacy.Bounds{MaxRows: 1}, Draws: []plan.Draw{{Kind: plan.DrawUnits, Mask: call("is null", name)}}},
	} {
		if st, err := Aggregate(&p, Known{}, relation); privacy.CodeOf(err) != privacy.CodeInternal {
			t.Errorf("%s: got %v, %v", name, st, err)
		}
	}
	if _, err := Aggregate(&plan.Bound{Strategy: rows, Limits: privacy.Bounds{MaxRows: 1}}, Known{}); err == nil {
		t.Error("no relation at all is no error")
	}
}
