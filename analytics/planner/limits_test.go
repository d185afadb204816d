package planner

import (
	"fmt"
	"strings"
	"testing"

	"github.com/noised/noised/privacy"
)

// TestQueriesThatAreTooLargeAreRefused: what is planned is cheap to noise and
// to finish, whatever the text.
func TestQueriesThatAreTooLargeAreRefused(t *testing.T) {
	f := newFixture(t)
	repeat := func(n int, format string) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = strings.ReplaceAll(format, "#", fmt.Sprint(i))
		}
		return strings.Join(parts, ", ")
	}
	for name, c := range map[string]struct{ permitted, refused string }{
		"aggregates": {
			"SELECT " + repeat(MaxDraws, "COUNT(*) FILTER (WHERE grade > #)") + " FROM shop",
			"SELECT " + repeat(MaxDraws+1, "COUNT(*) FILTER (WHERE grade > #)") + " FROM shop",
		},
		"draws": {
			"SELECT " + repeat(MaxDraws/2, "AVG(items) FILTER (WHERE grade > #)") + " FROM shop",
			"SELECT " + repeat(MaxDraws/2+1, "AVG(items) FILTER (WHERE grade > #)") + " FROM shop",
		},
		"groups": {
			"SELECT COUNT(*) FROM shop GROUP BY ordered, grade, paid",
			"SELECT COUNT(*) FROM shop GROUP BY ordered, grade, paid, region",
		},
		"cells": {
			"SELECT " + repeat(9, "COUNT(*) AS c#") + " FROM shop GROUP BY ordered, grade, paid",
			"SELECT " + repeat(10, "COUNT(*) AS c#") + " FROM shop GROUP BY ordered, grade, paid",
		},
		"texts": {
			"SELECT COUNT(*) FROM shop WHERE length(concat(" + strings.Repeat("city, ", 63) + "city)) > 3",
			"SELECT COUNT(*) FROM shop WHERE length(concat(" + strings.Repeat("city, ", 64) + "city)) > 3",
		},
		"texts of texts": {
			"SELECT COUNT(*) FROM shop WHERE length(" + strings.Repeat("concat(city, ", 9) + "city" + strings.Repeat(")", 9) + ") > 3", // 10 + 9 + … + 2
			"SELECT COUNT(*) FROM shop WHERE length(" + strings.Repeat("concat(city, ", 10) + "city" + strings.Repeat(")", 10) + ") > 3",
		},
		"view expressions": {
			"SELECT " + strings.Repeat("1 + 1, ", 1300) + "COUNT(*) FROM shop",
			"SELECT " + strings.Repeat("1 + 1, ", 1400) + "COUNT(*) FROM shop",
		},
		"aliases in HAVING": {
			"SELECT " + strings.Repeat("1 + ", 80) + "COUNT(*) AS n FROM shop HAVING n > 1",
			"SELECT " + strings.Repeat("1 + ", 80) + "COUNT(*) AS n FROM shop HAVING n IN (1) AND coalesce(" + repeat(100, "n + #") + ") > 1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := f.plan(c.permitted, Request{Loss: privacy.Loss{Epsilon: 50, Delta: 1e-6}}); err != nil {
				t.Errorf("just within the limit: %v", err)
			}
			if _, err := f.plan(c.refused, Request{Loss: privacy.Loss{Epsilon: 50, Delta: 1e-6}}); privacy.CodeOf(err) != privacy.CodeQueryNotPermitted {
				t.Errorf("just outside: %v", err)
			}
		})
	}
}

// TestPriceDependsOnTheContractOnly: the same question at the same loss has the
// same plan, noise and price, however often it is asked.
func TestPriceDependsOnTheContractOnly(t *testing.T) {
	f := newFixture(t)
	sql := "SELECT city, tenant, AVG(price), SUM(items), COUNT(*) FROM shop WHERE paid GROUP BY city, tenant"
	first, err := f.plan(sql, Request{})
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		again, err := f.plan(sql, Request{})
		if err != nil {
			t.Fatal(err)
		}
		if show(again) != show(first) {
			t.Errorf("%s\n%s", show(first), show(again))
		}
	}
}
