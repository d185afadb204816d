package contractparse

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/analytics/contract/contracttest"
)

func TestDomains(t *testing.T) {
	tests := []struct {
		name, column, want string
	}{
		{"listed integers", "{type: integer, role: dimension, domain: {values: [3, -1, 1e2]}}", "3 -1 100"},
		{"listed text, in NFC", `{type: varchar, role: dimension, domain: {values: [b, "Zu\u0308rich", ""]}}`, "b Zürich "},
		{"booleans", "{type: boolean, role: dimension, domain: {values: [true, false]}}", "true false"},
		{"block style", "\n    type: varchar\n    role: dimension\n    domain:\n      values:\n      - a\n      - b", "a b"},
		{"a range", "{type: tinyint, role: dimension, domain: {range: [-1, 2]}}", "-1 0 1 2"},
		{"a range with a step that misses the end", "{type: integer, role: dimension, domain: {range: [0, 10], step: 4}}", "0 4 8"},
		{"a range at the end of the type", "{type: bigint, role: dimension, domain: {range: [9223372036854775806, 9223372036854775807], step: 9}}", "9223372036854775806"},
		{"days over a leap day", "{type: date, role: dimension, domain: {from: 2024-02-28, to: 2024-03-01, every: day}}", "2024-02-28 2024-02-29 2024-03-01"},
		{"weeks", "{type: date, role: dimension, domain: {from: 1969-12-25, to: 1970-01-10, every: week}}", "1969-12-25 1970-01-01 1970-01-08"},
		{"months", "{type: date, role: dimension, domain: {from: 2023-11-28, to: 2024-03-01, every: month}}", "2023-11-28 2023-12-28 2024-01-28 2024-02-28"},
		{"timestamps", `{type: timestamp, role: dimension, domain: {values: ["2024-01-01 10:00:00.25", 2024-01-02, "2024-01-03T00:00:01Z"]}}`, "2024-01-01 10:00:00.25|2024-01-02 00:00:00|2024-01-03 00:00:01"},
		{"timestamps by day", "{type: timestamp, role: dimension, domain: {from: 2024-01-01, to: 2024-01-02 23:00:00, every: day}}", "2024-01-01 00:00:00|2024-01-02 00:00:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			col, _ := mustParse(t, contracttest.Around("\n  x: "+tt.column)).Column("x")
			var got []string
			for _, v := range col.Domain {
				if v.Type != col.Type {
					t.Errorf("value %s has type %s", v.Text(), v.Type)
				}
				got = append(got, v.Text())
			}
			separator := " "
			if strings.Contains(tt.want, "|") {
				separator = "|"
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, separator)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
