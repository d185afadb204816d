package places

import (
	"math"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/plan"
)

// Values are numbered in order of appearance, however often the table grows.
func TestSecretValuesAreNumberedAsTheyAppear(t *testing.T) {
	value := rapid.OneOf(rapid.Int64Range(-2, 2), rapid.Int64Range(0, 1500), rapid.SampledFrom([]int64{math.MinInt64, math.MaxInt64}))
	rapid.Check(t, func(t *rapid.T) {
		salt := [16]byte{rapid.Byte().Draw(t, "salt")}
		ints, texts := newSecretDomain(plan.Of(plan.KindBigint), salt), newSecretDomain(plan.Of(plan.KindVarchar), salt)
		both := pairs{numbers: newNumbers[uint64](salt)}
		numbers, parts := make(map[int64]int32), make(map[[2]int32]int32)
		for _, v := range rapid.SliceOfN(value, 0, 1500).Draw(t, "values") {
			want, known := numbers[v]
			if !known {
				want = int32(len(numbers))
				numbers[v] = want
			}
			short := makeText(strconv.FormatUint(uint64(v)%1e12, 10))
			if got := ints.integer(v); got != want || ints.values[got].Int != v {
				t.Fatalf("%d is number %d, want %d", v, got, want)
			}
			if got := texts.text(&short); texts.values[got].Str != string(short.Bytes()) {
				t.Fatalf("%q is the number of %q", short.Bytes(), texts.values[got].Str)
			}
			part, keys := [2]int32{want % 3, want}, []int32{want % 3}
			if both.join(keys, []int32{want}); both.parts[keys[0]] != part {
				t.Fatalf("%v is the number of %v", part, both.parts[keys[0]])
			}
			if parts[part] = keys[0]; len(both.parts) != len(parts) || len(texts.values) > len(numbers) {
				t.Fatalf("%d pairs have %d numbers, %d texts %d", len(parts), len(both.parts), len(numbers), len(texts.values))
			}
		}
	})
}
