package bounding

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Cursors come by unit, then in their order, until each has ended, whatever
// their number and units.
func TestHeadsAreSorted(t *testing.T) {
	unit := rapid.OneOf(rapid.Uint64Range(0, 9), rapid.Uint64(), rapid.SampledFrom([]uint64{0, math.MaxUint64 - 1, math.MaxUint64}))
	rapid.Check(t, func(t *rapid.T) {
		streams := rapid.SliceOfN(rapid.SliceOfN(unit, 0, 6), 0, 20).Draw(t, "streams")
		var want, got, standing []head
		for i, s := range streams {
			slices.Sort(s)
			for _, u := range s {
				want = append(want, head{u, uint64(i)})
			}
			if len(s) > 0 {
				standing = append(standing, head{s[0], uint64(i)})
			}
		}
		slices.SortFunc(want, func(a, b head) int {
			return cmp.Or(cmp.Compare(a.unit, b.unit), cmp.Compare(a.cursor, b.cursor))
		})
		h := newHeads(len(streams))
		for h.build(standing); h.live > 0; {
			top := h.top()
			got = append(got, top)
			if s := streams[top.cursor][1:]; len(s) > 0 {
				streams[top.cursor] = s
				h.replace(s[0])
			} else {
				h.pop()
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}
