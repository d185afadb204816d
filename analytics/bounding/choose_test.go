package bounding

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"github.com/dchest/siphash"
	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// The hash that is computed piecewise is that of the whole message, whatever the
// number of keys.
func TestRankingIsSipHash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k0, k1, unit := rapid.Uint64().Draw(t, "k0"), rapid.Uint64().Draw(t, "k1"), rapid.Uint64().Draw(t, "unit")
		keys := rapid.SliceOfN(rapid.Uint64(), 0, 5).Draw(t, "keys")
		var want []uint64
		for _, key := range keys {
			message := binary.LittleEndian.AppendUint64(nil, unit)
			want = append(want, siphash.Hash(k0, k1, binary.LittleEndian.AppendUint64(message, key)))
		}
		r := newRanking(k0, k1)
		of := r.of(unit)
		if of.rank(keys); !slices.Equal(keys, want) {
			t.Fatalf("got %x, want %x", keys, want)
		}
	})
}

// However ranks are spread, those chosen are the first of them in order, and of
// equal ranks those of the smallest texts.
func TestSmallestRanks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := testPlan(privacy.Bounds{MaxPartitions: 1, MaxRowsPerPartition: 1}, true)
		b := New(p, [16]byte{})
		rank := rapid.OneOf(rapid.Uint64(), rapid.SampledFrom([]uint64{0, 1, 1 << rankShift, 1<<rankShift - 1, math.MaxUint64}))
		u := &b.unit
		u.ranks = rapid.SliceOfN(rank, 2, 200).Draw(t, "ranks")
		limit := rapid.IntRange(1, len(u.ranks)-1).Draw(t, "limit")
		order := make([]int32, len(u.ranks))
		for i := range order {
			order[i] = int32(i)
		}
		for _, key := range rapid.Permutation(order).Draw(t, "keys") {
			u.touched = append(u.touched, slot{group: b.groups.learn([]plan.Value{bigintValue(int64(key))})})
		}
		slices.SortFunc(order, func(x, y int32) int {
			return cmp.Or(cmp.Compare(u.ranks[x], u.ranks[y]), cmp.Compare(b.groups.text(u.touched[x].group), b.groups.text(u.touched[y].group)))
		})
		u.smallestRanks(0, limit)
		got, want := slices.Sorted(slices.Values(u.chosen)), slices.Sorted(slices.Values(order[:limit]))
		if !slices.Equal(got, want) {
			t.Fatalf("chose %v, want %v", got, want)
		}
	})
}
