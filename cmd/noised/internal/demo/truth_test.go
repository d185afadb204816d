package demo

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/cmd/noised/internal/sample"
	"github.com/noised/noised/privacy"
)

func TestTheSampleIsBoundedAsTheServerDoes(t *testing.T) {
	rows := sample.Ratings{
		{Student: 1, Dept: "a", Rating: 5}, {Student: 1, Dept: "a", Rating: 3}, {Student: 1, Dept: "a", Rating: 4},
		{Student: 1, Dept: "b", Rating: 1},
		{Student: 2, Dept: "a", Rating: 2},
	}
	got := count(rows, sample.Rating.Tenant, privacy.Bounds{MaxPartitions: 1, MaxRowsPerPartition: 2})
	want := tally{
		truth: map[string]figures{"dept_a": {rows: 4, units: 2, sum: 14}, "dept_b": {rows: 1, units: 1, sum: 1}},
		// Student 1 keeps one of two departments, and two of three ratings in a.
		bounded: map[string]figures{"dept_a": {rows: 2, units: 1.5, sum: 6}, "dept_b": {rows: 0.5, units: 0.5, sum: 0.5}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(tally{}, figures{})); diff != "" {
		t.Errorf("tally (-want +got):\n%s", diff)
	}
}
