package loom

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	diff "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Woven rows are all rows of the windows, ordered by unit and then as they came,
// with their groups and values; what one stream lacks of a draw counts its rows.
func TestWeavingIsAStableSort(t *testing.T) {
	spreads := map[string]func(r *rand.Rand) uint64{
		"evenly":  (*rand.Rand).Uint64,
		"dense":   func(r *rand.Rand) uint64 { return r.Uint64N(40) },
		"at ends": func(r *rand.Rand) uint64 { return r.Uint64N(20) - 10 },
		"uneven":  func(r *rand.Rand) uint64 { return r.Uint64() >> (r.UintN(2) * 60) },
	}
	type woven struct {
		unit  uint64
		group int32
		value int64
		from  int64
	}
	var l Loom // with what earlier rows have left
	for name, spread := range spreads {
		rapid.Check(t, func(t *rapid.T) {
			r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
			streams := make([]Rows, 2+r.IntN(5))
			var want []woven
			for i := range streams {
				n, c := 1+r.IntN(80), &streams[i]
				*c = Rows{Units: make([]uint64, n), Keys: make([]int32, n), Values: [][]int64{nil, make([]int64, n), make([]int64, n)}}
				if r.IntN(2) == 0 {
					c.Groups = []int32{3, 2, 1, 0}
				}
				for row := range n {
					c.Units[row], c.Keys[row] = spread(r), r.Int32N(5)-1
					c.Values[1][row], c.Values[2][row] = r.Int64(), int64(i*1000+row)
				}
				slices.Sort(c.Units)
				if r.IntN(3) == 0 {
					c.Values[1] = nil
				}
				c.From = r.IntN(n)
				c.To = c.From + r.IntN(n-c.From+1)
				for row := c.From; row < c.To; row++ {
					w := woven{unit: c.Units[row], group: c.Keys[row], from: int64(i*1000 + row)}
					if w.group >= 0 && c.Groups != nil {
						w.group = c.Groups[w.group]
					}
					if c.Values[1] != nil {
						w.value = c.Values[1][row]
					}
					want = append(want, w)
				}
			}
			if len(want) == 0 {
				return
			}
			slices.SortStableFunc(want, func(a, b woven) int { return cmp.Compare(a.unit, b.unit) })
			first, below := want[0].unit, want[len(want)-1].unit+1
			if below == 0 {
				return // no window reaches beyond the last unit
			}
			b := l.Weave(streams, first, below, len(want))
			var got []woven
			for row, unit := range b.Units {
				w := woven{unit: unit, group: b.Keys[row], from: b.Values[2][row]}
				if b.Values[1] != nil {
					w.value = b.Values[1][row]
				}
				got = append(got, w)
			}
			if b.Values[0] != nil || !slices.Equal(got, want) {
				t.Fatalf("%s, −want +got:\n%s", name, diff.Diff(want, got, diff.AllowUnexported(woven{})))
			}
		})
	}
}
