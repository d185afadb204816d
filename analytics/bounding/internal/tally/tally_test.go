package tally

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// Pairs and numbers by leaf count the same, in room for what was counted.
func TestLeavesAreCountedInLittleRoom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		leaves := rapid.IntRange(1, 300).Draw(t, "leaves")
		want := make([]int64, leaves)
		var c leafCounts
		n := 0
		for _, leaf := range rapid.SliceOfN(rapid.IntRange(0, leaves-1), 0, 900).Draw(t, "rows") {
			c.add(int64(leaf), 2, leaves)
			want[leaf] += 2
			n++
			if room := 2*len(c.few) + len(c.all); room > 4*n || room > 8*max(leaves, mergeLeaves) {
				t.Fatalf("%d rows of %d leaves take %d numbers", n, leaves, room)
			}
		}
		got := make([]int64, leaves)
		c.each(func(leaf, rows int64) { got[leaf] += rows })
		if !slices.Equal(got, want) {
			t.Fatalf("counts %v, want %v", got, want)
		}
	})
}

// A set counts what a map counts, whatever the hashes.
func TestValueSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s valueSet
		want := map[int64]bool{}
		for _, v := range rapid.SliceOf(rapid.SampledFrom([]int64{0, 1, -1, 8, 16, 24, absent + 1, math.MaxInt64, 1 << 32, 7, 15, 23, 31})).Draw(t, "values") {
			s.add(v)
			want[v] = true
			if s.size != len(want) {
				t.Fatalf("%d values, want %d", s.size, len(want))
			}
		}
	})
}

// Every level of a tree counts the same rows, and a node what lies below it.
func TestTreeLevelsAgree(t *testing.T) {
	for _, tree := range []plan.Tree{
		{Leaves: 1, Branching: 2, Levels: 1, StepsPerLeaf: 1}, {Leaves: 7, Branching: 2, Levels: 3, StepsPerLeaf: 1},
		{Leaves: 65, Branching: 8, Levels: 3, StepsPerLeaf: 1}, {Leaves: 64, Branching: 8, Levels: 2, StepsPerLeaf: 1},
	} {
		c := NewTree(tree)
		c.Grow(1)
		for leaf := range int64(tree.Leaves) {
			c.Add(0, leaf, leaf+1)
		}
		nodes := c.Draws([]int{0})
		if len(nodes) != tree.Width() {
			t.Fatalf("%+v has %d nodes, want %d", tree, len(nodes), tree.Width())
		}
		below := 1
		for level := tree.Levels; level >= 1; level-- {
			for i := range tree.LevelWidth(level) {
				var want int64
				for leaf := i * below; leaf < min((i+1)*below, tree.Leaves); leaf++ {
					want += int64(leaf + 1)
				}
				if got := nodes[tree.Offset(level)+i].Clamp(privacy.MaxRelease); got != want {
					t.Errorf("%+v, level %d, node %d: %d rows, want %d", tree, level, i, got, want)
				}
			}
			below *= tree.Branching
		}
	}
}
