package bounding

import (
	"context"
	"slices"
	"testing"

	diff "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/noised/noised/privacy"
)

// Rows that several Bounders take in parts, each of which has all rows of some
// units, come to what one of them makes of all rows, integer by integer, whoever
// takes which part and in whatever order.
func TestPartsMergeToOneRun(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(t)
		salt := [16]byte{rapid.Byte().Draw(t, "salt")}
		streams := make([][]wide, rapid.IntRange(1, 3).Draw(t, "streams"))
		var whole []Source
		for i := range streams {
			streams[i] = drawWide(t, p, "rows")
			whole = append(whole, wideSource(p, tenantOf(i), 3, streams[i]))
		}
		want, err := Run(context.Background(), p, salt, whole)
		if err != nil {
			t.Fatal(err)
		}
		cuts := rapid.SliceOfNDistinct(rapid.Uint64(), 0, 4, rapid.ID).Draw(t, "cuts")
		slices.Sort(cuts)
		bounders := make([]*Bounder, rapid.IntRange(1, 3).Draw(t, "bounders"))
		for i := range bounders {
			bounders[i] = New(p, salt)
		}
		parts := make([]int, len(cuts)+1)
		for i := range parts {
			parts[i] = i
		}
		for _, part := range rapid.Permutation(parts).Draw(t, "order") {
			var sources []Source
			for i, rows := range streams {
				some := slices.DeleteFunc(slices.Clone(rows), func(r wide) bool {
					return part > 0 && r.unit < cuts[part-1] || part < len(cuts) && r.unit >= cuts[part]
				})
				sources = append(sources, wideSource(p, tenantOf(i), 2, some))
			}
			by := bounders[rapid.IntRange(0, len(bounders)-1).Draw(t, "by")]
			if err := by.Add(context.Background(), sources); err != nil {
				t.Fatal(err)
			}
		}
		got := Merge(bounders...)
		if d := diff.Diff(spelledOut(p.Secret(), want), spelledOut(p.Secret(), got)); d != "" {
			t.Fatalf("−one run +%d parts:\n%s", len(parts), d)
		}
	})
}

func tenantOf(stream int) string { return string(rune('x' + stream%2)) }

// spelledOut makes the nodes of all groups.
func spelledOut(secret bool, r *Result) *Result {
	out := &Result{Keys: r.Keys, Draws: slices.Clone(r.Draws)}
	every := make([]int, len(r.Keys))
	for i := range every {
		every[i] = i
	}
	for d, tree := range r.Trees {
		if secret && tree != nil {
			out.Draws[d] = tree.Nodes(every)
		}
	}
	return out
}

// Streams that number keys alike may teach each other's.
func TestStreamsShareNumbers(t *testing.T) {
	p := testPlan(privacy.Bounds{MaxPartitions: 5, MaxRowsPerPartition: 5}, true)
	numbers, taught := &Numbers{}, map[int64]int32{}
	var sources []Source
	for i, rows := range [][]row{{{1, 7, 1}, {5, 8, 1}}, {{2, 8, 1}, {3, 9, 1}}, {{4, 7, 1}}} {
		s := source(p, tenantOf(i), 1, rows...)
		s.Numbers, s.Stream.(*sliceStream).numbers = numbers, taught
		sources = append(sources, s)
	}
	want := map[int64][3]int64{7: {2, 2, 2}, 8: {2, 2, 2}, 9: {1, 1, 1}}
	if d := diff.Diff(want, bounded(t, p, [16]byte{}, sources...)); d != "" {
		t.Errorf("−want +got:\n%s", d)
	}
}
