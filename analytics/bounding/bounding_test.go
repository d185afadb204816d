package bounding

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/dchest/siphash"
	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

func TestContributions(t *testing.T) {
	tests := []struct {
		name   string
		limits privacy.Bounds
		rows   []row
		want   map[int64][3]int64 // only keys with something
	}{
		{"nothing", privacy.Bounds{MaxPartitions: 1, MaxRowsPerPartition: 1}, nil, nil},
		{"within the bounds rows count as they are", privacy.Bounds{MaxPartitions: 2, MaxRowsPerPartition: 3},
			[]row{{1, 0, 5}, {1, 0, -2}, {1, 1, 7}}, map[int64][3]int64{0: {2, 1, 3}, 1: {1, 1, 7}}},
		{"more rows than c count as c rows of their mean", privacy.Bounds{MaxPartitions: 1, MaxRowsPerPartition: 2},
			[]row{{1, 0, 10}, {1, 0, 10}, {1, 0, 1}}, map[int64][3]int64{0: {2, 1, 14}}},
		{"the mean is truncated towards zero", privacy.Bounds{MaxPartitions: 1, MaxRowsPerPartition: 2},
			[]row{{1, 0, -10}, {1, 0, -10}, {1, 0, -1}}, map[int64][3]int64{0: {2, 1, -14}}},
		{"rows outside the domain are dropped before the limits", privacy.Bounds{MaxPartitions: 1, MaxRowsPerPartition: 2, MaxRows: 2},
			[]row{{1, 9, 1}, {1, 8, 1}, {1, 7, 1}, {1, 4, 2}, {1, 4, 3}}, map[int64][3]int64{4: {2, 1, 5}}},
		{"of max_rows the first in stream order count", privacy.Bounds{MaxPartitions: 9, MaxRowsPerPartition: 9, MaxRows: 2},
			[]row{{1, 0, 1}, {1, 1, 2}, {1, 0, 3}, {2, 0, 4}}, map[int64][3]int64{0: {2, 2, 5}, 1: {1, 1, 2}}},
		{"absent values count for no sum", privacy.Bounds{MaxPartitions: 1, MaxRowsPerPartition: 2},
			[]row{{1, 0, Absent}, {1, 0, 9}, {1, 0, Absent}}, map[int64][3]int64{0: {2, 1, 9}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := testPlan(tt.limits, false)
			want := map[int64][3]int64{}
			for k := range int64(keys) {
				want[k] = tt.want[k]
			}
			for size := 1; size <= 4; size++ {
				if diff := cmp.Diff(want, bounded(t, p, [16]byte{}, source(p, "a", size, tt.rows...))); diff != "" {
					t.Errorf("batches of %d, −want +got:\n%s", size, diff)
				}
			}
		})
	}
}

// Under scope person a unit is one wherever its rows are; under scope tenant
// the same pseudonym in another tenant is somebody else.
func TestScope(t *testing.T) {
	p := testPlan(privacy.Bounds{MaxPartitions: 1, MaxRowsPerPartition: 2}, false)
	run := func() [3]int64 {
		return bounded(t, p, [16]byte{}, source(p, "b", 1, row{7, 0, 4}, row{7, 0, 4}),
			source(p, "a", 1, row{7, 0, 1}), source(p, "a", 1, row{7, 0, 1}, row{9, 0, 3}))[0]
	}
	if got, want := run(), [3]int64{3, 2, 8}; got != want { // (1+1+4+4)·2/4 + 3
		t.Errorf("scope person: got %v, want %v", got, want)
	}
	p.Scope = plan.ScopeTenant
	if got, want := run(), [3]int64{5, 3, 13}; got != want {
		t.Errorf("scope tenant: got %v, want %v", got, want)
	}
}

// A unit keeps the keys whose keyed hash together with the unit is smallest.
// The hash is pinned: changing it would change what past releases counted.
func TestChosenKeysArePinned(t *testing.T) {
	p := testPlan(privacy.Bounds{MaxPartitions: 2, MaxRowsPerPartition: 1}, true)
	salt := [16]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	rows := []row{{1, 0, 1}, {1, 1, 1}, {1, 2, 1}, {1, 3, 1}}
	hash := func(key int) uint64 {
		keys := siphash.New128(salt[:])
		_, _ = keys.Write([]byte("keys of groups"))
		text := siphash.New(keys.Sum(nil))
		_, _ = fmt.Fprintf(text, `"k"=bi%d,`, key)
		h := siphash.New(salt[:])
		_, _ = h.Write(text.Sum([]byte{1, 0, 0, 0, 0, 0, 0, 0}))
		return h.Sum64()
	}
	want := map[int64][3]int64{}
	for k := range 4 {
		smaller := 0
		for o := range 4 {
			if hash(o) < hash(k) {
				smaller++
			}
		}
		if smaller < 2 {
			want[int64(k)] = [3]int64{1, 1, 1}
		}
	}
	if diff := cmp.Diff(want, bounded(t, p, salt, source(p, "a", 3, rows...))); diff != "" {
		t.Errorf("−want +got:\n%s", diff)
	}
}

// With the unit inside the hash, different units keep different keys; without
// it, the same keys would vanish for everyone.
func TestUnitsKeepDifferentKeys(t *testing.T) {
	p := testPlan(privacy.Bounds{MaxPartitions: 1, MaxRowsPerPartition: 1}, false)
	var rows []row
	for u := range uint64(1000) {
		for k := range int64(keys) {
			rows = append(rows, row{u, k, 1})
		}
	}
	for key, v := range bounded(t, p, [16]byte{3}, source(p, "a", 64, rows...)) {
		// 1000 units choose uniformly among 5 keys: 200 ± 8·√160 each.
		if math.Abs(float64(v[0])-200) > 8*math.Sqrt(160) {
			t.Errorf("key %d was kept by %d of 1000 units", key, v[0])
		}
	}
}

// A stream that goes back to an earlier unit would have it bounded twice.
func TestUnorderedStreamFailsClosed(t *testing.T) {
	p := testPlan(privacy.Bounds{MaxPartitions: 1, MaxRowsPerPartition: 1}, false)
	for size := 1; size <= 3; size++ {
		r, err := Run(context.Background(), p, [16]byte{}, []Source{
			source(p, "a", 1, row{1, 0, 1}, row{9, 0, 1}),
			source(p, "b", size, row{2, 0, 1}, row{3, 0, 1}, row{2, 0, 1}),
		})
		if r != nil || !errors.Is(err, errOrder) || privacy.CodeOf(err) != privacy.CodeInternal {
			t.Errorf("batches of %d: got %v, %v; want no result and an internal error", size, r, err)
		}
	}
}

func TestStreamErrorsEndTheRun(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	p := testPlan(privacy.Bounds{MaxPartitions: 1, MaxRowsPerPartition: 1}, false)
	if r, err := Run(ctx, p, [16]byte{}, []Source{source(p, "a", 1, row{1, 0, 1})}); r != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, %v; want the context's error", r, err)
	}
}

// Totals do not wrap where 64 bits would.
func TestTotalsExceedInt64(t *testing.T) {
	p := testPlan(privacy.Bounds{MaxPartitions: 1, MaxRowsPerPartition: 1}, false)
	const huge = int64(1) << 62
	r, err := Run(context.Background(), p, [16]byte{}, []Source{source(p, "a", 2, row{1, 0, huge}, row{2, 0, huge}, row{3, 0, huge})})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := r.Draws[2][0].String(), "13835058055282163712"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestShare(t *testing.T) {
	for _, tt := range []struct{ s, n, c, want int64 }{
		{10, 2, 2, 10}, {10, 3, 2, 6}, {-10, 3, 2, -6}, {0, 5, 1, 0}, {1, 2, 1, 0},
		{1<<62 - 1, 1 << 24, 1<<24 - 1, 4611685743549480959}, {-1 << 62, 1 << 24, 1, -1 << 38},
		{math.MinInt64 + 1, 2, 1, -(1<<62 - 1)},
	} {
		if got := share(tt.s, tt.n, tt.c); got != tt.want {
			t.Errorf("share(%d, %d, %d) = %d, want %d", tt.s, tt.n, tt.c, got, tt.want)
		}
	}
}

func TestSteps(t *testing.T) {
	q := plan.Quantum{Mantissa: 1, Lo: -2, Hi: 7, Centre: 3}
	for v, want := range map[int64]int64{0: -3, 7: 4, 8: 4, -2: -5, -3: -5, math.MaxInt64: 4, math.MinInt64: -5} {
		if got := Steps(q, v); got != want {
			t.Errorf("Steps(%d) = %d, want %d", v, got, want)
		}
	}
}
