package planner

import (
	"fmt"
	"reflect"
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
		"values of all keys": { // each is one group, of as many combinations as one key may try
			"SELECT COUNT(*) FROM shop GROUP BY " + repeat(1, "floor((items + year(ordered) + #) / 1e6)"),
			"SELECT COUNT(*) FROM shop GROUP BY " + repeat(40, "floor((items + year(ordered) + #) / 1e6)"),
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

// TestAtIsTheSamePlan: pricing a plan at another loss gives what planning at
// that loss does.
func TestAtIsTheSamePlan(t *testing.T) {
	f := newFixture(t)
	for _, sql := range []string{
		"SELECT paid, COUNT(*), AVG(price), MEDIAN(items), COUNT(DISTINCT grade) FROM shop GROUP BY paid",
		"SELECT city, COUNT(*) FROM shop GROUP BY city",
		"SELECT COUNT(*) FROM diary WHERE day >= DATE '2024-02-01' AND day < DATE '2024-03-01'",
	} {
		from, err := f.plan(sql, Request{Loss: privacy.Loss{Epsilon: 100, Delta: 1e-3}})
		if err != nil {
			t.Fatal(sql, err)
		}
		for _, loss := range []privacy.Loss{{Epsilon: 0.01, Delta: 1e-9}, {Epsilon: 1, Delta: 1e-6}, {Epsilon: 20, Delta: 1e-12}} {
			want, err := f.plan(sql, Request{Loss: loss})
			if err != nil {
				t.Fatal(sql, err)
			}
			got, err := from.At(loss)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s at %v: %+v, %v, want %+v", sql, loss, got, err, want)
			}
		}
		for _, loss := range []privacy.Loss{{}, {Epsilon: 1}, {Epsilon: 101, Delta: 1e-9}} {
			if _, err := from.At(loss); privacy.CodeOf(err) != privacy.CodePrivacyParameters {
				t.Errorf("%s at %v: %v, want %s", sql, loss, err, privacy.CodePrivacyParameters)
			}
		}
	}
}
