package bounding

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// replayed streams batches that are in memory.
type replayed struct{ batches []Batch }

func (r *replayed) Next(context.Context) (*Batch, error) {
	if len(r.batches) == 0 {
		return nil, nil
	}
	b := &r.batches[0]
	r.batches = r.batches[1:]
	return b, nil
}

// Once a Bounder has met its groups and the largest of its units, neither rows nor
// units cost it an allocation: a hundred times as many of either take as few.
func TestNothingIsAllocatedPerRowOrUnit(t *testing.T) {
	p := testPlan(privacy.Bounds{MaxPartitions: 2, MaxRowsPerPartition: 2, MaxL2: 2}, false)
	p.Draws = append(p.Draws, drawOf(plan.DrawSquares, 3), drawOf(plan.DrawTree, 4))
	rows := func(units, perUnit int) []Batch {
		var batches []Batch
		for from := range units {
			b := Batch{Units: make([]uint64, perUnit), Keys: make([]int32, perUnit), Values: make([][]int64, len(p.Draws))}
			steps := make([]int64, perUnit)
			for i := range perUnit {
				b.Units[i], b.Keys[i], steps[i] = uint64(from), int32(i%keys), int64(i%7)
			}
			b.Units[perUnit-1]++ // so that batches end within units
			b.Values[2], b.Values[3], b.Values[4] = steps, steps, steps
			batches = append(batches, b)
		}
		return batches
	}
	allocations := func(batches []Batch, streams int) float64 {
		b := New(p, [16]byte{1})
		return testing.AllocsPerRun(3, func() {
			var sources []Source
			for range streams {
				sources = append(sources, Source{Tenant: "a", Stream: &replayed{batches}})
			}
			if err := b.Add(context.Background(), sources); err != nil {
				t.Fatal(err)
			}
		})
	}
	for _, streams := range []int{1, 3} {
		few, rest := allocations(rows(20, 50), streams), 10.0 // a source, its numbers and its place in the merge
		for name, batches := range map[string][]Batch{"units": rows(2000, 50), "rows": rows(20, 5000)} {
			if got := allocations(batches, streams); got > few+rest {
				t.Errorf("%d streams, a hundred times the %s: %g allocations instead of %g", streams, name, got, few)
			}
		}
	}
}

// BenchmarkRun bounds 73,000 rows of 3,000 units in 14 tenants, each of which
// has 80 secret keys of its own: the shape of the sample data.
func BenchmarkRun(b *testing.B) {
	const tenants, units, perTenant, rows = 14, 3000, 80, 73_000 / 14
	random := rand.New(rand.NewPCG(1, 2))
	var streams [][]Batch
	for tenant := range tenants {
		all := make([]uint64, rows)
		for i := range all {
			all[i] = uint64(random.IntN(units/2)*2+tenant%2) * 0x9e3779b97f4a7c15
		}
		slices.Sort(all)
		var batches []Batch
		for block := range slices.Chunk(all, 2048) {
			keys := make([]int32, len(block))
			for i := range keys {
				keys[i] = int32(random.IntN(perTenant))
			}
			batches = append(batches, Batch{Units: block, Keys: keys, Values: make([][]int64, 2)})
		}
		for key := range int64(perTenant) {
			batches[0].Learned = append(batches[0].Learned, []plan.Value{bigintValue(key*tenants + int64(tenant))})
		}
		streams = append(streams, batches)
	}
	p := testPlan(privacy.Bounds{MaxPartitions: 8, MaxRowsPerPartition: 1}, true)
	p.Draws = []plan.Draw{{Kind: plan.DrawUnits}, {Kind: plan.DrawRows}}
	b.ReportAllocs()
	for b.Loop() {
		var sources []Source
		for i, batches := range streams {
			sources = append(sources, Source{Tenant: fmt.Sprint(i), Stream: &replayed{batches}})
		}
		if _, err := Run(context.Background(), p, [16]byte{1}, sources); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*tenants*rows/b.Elapsed().Seconds()/1e6, "Mrows/s")
}
