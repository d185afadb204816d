package places

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/plan"
)

// TestPlacesOfIntegers: an integer's place is that in the domain, or none,
// whether the domain's integers lie close together or not.
func TestPlacesOfIntegers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.SampledFrom([]int64{3, 1 << 15, 1 << 18, 1 << 60}).Draw(t, "width")
		first := rapid.SampledFrom([]int64{0, -5, 1<<62 + 9, -1 << 62}).Draw(t, "first")
		step := rapid.SampledFrom([]int64{1, 2, 3, 5}).Draw(t, "step")
		k := plan.Key{Type: plan.Of(plan.KindBigint)}
		want := map[int64]int32{}
		add := func(v int64) {
			if _, twice := want[v]; !twice {
				want[v] = int32(len(k.Domain))
				k.Domain = append(k.Domain, plan.IntValue(k.Type, v))
			}
		}
		for v := int64(0); v < min(width, 1<<17); v += step {
			add(first + v)
		}
		add(first + width)
		if rapid.Bool().Draw(t, "with NULL") {
			k.Domain = append(k.Domain, plan.Null(k.Type))
		}
		d, err := NewDeclared(k)
		if err != nil {
			t.Fatal(err)
		}
		for range 100 {
			v := first + rapid.Int64Range(-3, width+3).Draw(t, "value")
			place, ok := want[v]
			if !ok {
				place = -1
			}
			if got := d.integer(v); got != place {
				t.Fatalf("%d has place %d, want %d", v, got, place)
			}
		}
		if null := int32(len(want)); d.null() != null && (d.null() != -1 || len(k.Domain) != len(want)) {
			t.Fatalf("NULL has place %d", d.null())
		}
	})
}
