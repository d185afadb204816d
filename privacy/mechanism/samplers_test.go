package mechanism

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
)

// TestSourceUsesEachBitOnce: words come from the buffer once, and are wiped.
func TestSourceUsesEachBitOnce(t *testing.T) {
	s := prepared(1, 2, 3)
	for want := uint64(1); want <= 3; want++ {
		if got := s.word(); got != want {
			t.Errorf("word %d is %d", want, got)
		}
	}
	if s.left != 0 || s.buffer != [len(s.buffer)]byte{} {
		t.Error("used words stay in memory")
	}
	if a, b := s.word(), s.word(); a == b || a == 0 {
		t.Errorf("after the last word: %x, %x", a, b)
	}
}

// TestZeroSourceIsRandom: a source that nobody filled fills itself. 20 words of
// zero bits have probability 2^−1280.
func TestZeroSourceIsRandom(t *testing.T) {
	var s source
	var any uint64
	for range 20 {
		any |= s.word() | s.bits(64)
	}
	if any == 0 {
		t.Error("only zeros")
	}
}

// TestSourcesShareNoWords: goroutines that borrow sources and give them back see
// no word twice. Of 800,000 words two coincide with probability 2e-8.
func TestSourcesShareNoWords(t *testing.T) {
	taken := make([][]uint64, 8)
	var wg sync.WaitGroup
	for g := range taken {
		wg.Go(func() {
			for range 1000 {
				s := sources.Get().(*source)
				for range 100 {
					taken[g] = append(taken[g], s.word())
				}
				sources.Put(s)
			}
		})
	}
	wg.Wait()
	all := slices.Concat(taken...)
	slices.Sort(all)
	if n := len(slices.Compact(all)); n != 800_000 {
		t.Errorf("800,000 words have %d values", n)
	}
}

func TestBitsAreTakenInTurn(t *testing.T) {
	s := prepared(0b1_0_110_01, 0xff)
	for i, tt := range []struct {
		n    uint
		want uint64
	}{{2, 1}, {3, 6}, {1, 0}, {1, 1}, {57, 0}, {8, 0xff}} {
		if got := s.bits(tt.n); got != tt.want {
			t.Errorf("bits %d: %#b, want %#b", i, got, tt.want)
		}
	}
}

// TestBelowIsUniform draws from ranges that are no powers of two. False
// rejection: at most 1e-6 for each (χ²).
func TestBelowIsUniform(t *testing.T) {
	const n = 100_000
	for _, m := range []uint64{1, 2, 3, 4, 6, 10, 17} {
		var s source
		counts := make([]float64, m)
		for range n {
			counts[s.below(m)]++
		}
		var statistic float64
		for _, c := range counts {
			e := n / float64(m)
			statistic += (c - e) * (c - e) / e
		}
		if tooLarge(statistic, int(m-1)) {
			t.Errorf("below(%d): %v", m, counts)
		}
	}
}

// TestTiesAreDecidedByMoreDigits: numbers with equal digits are extended, and
// keep what they were extended by.
func TestTiesAreDecidedByMoreDigits(t *testing.T) {
	u, v := uniform{first: 5}, uniform{first: 5}
	s := prepared(7, 7, 9, 8)
	if s.less(&u, &v) || !s.less(&v, &u) {
		t.Error("5,7,9 is not below 5,7,8")
	}
	if len(u.more) != 2 || len(v.more) != 2 || s.left != 0 {
		t.Errorf("%v and %v, %d bytes left", u, v, s.left)
	}
	w := uniform{first: 5, more: []uint64{6}}
	if !s.less(&w, &u) {
		t.Error("5,6 is not below 5,7")
	}
}

// TestCoins: each coin comes up as often as it must. A frequency further than 5.4
// standard errors from p has probability below 1e-6 (10^6 tosses, where the
// binomial is all but normal).
func TestCoins(t *testing.T) {
	type coin struct {
		name string
		p    float64
		toss func(s *source) bool
	}
	tests := []coin{
		{"bit", 0.5, (*source).bit},
		{"root", math.Exp(-0.5), (*source).rootCoin},
	}
	for k := range uint64(4) {
		tests = append(tests, coin{fmt.Sprintf("whole %d", k), math.Exp(-float64(k*(k-1)) / 2),
			func(s *source) bool { return s.keepWhole(k) }})
		for _, x := range []float64{0.03, 0.5, 0.9} {
			fixed := uniform{first: uint64(x * (1 << 63) * 2)}
			tests = append(tests, coin{fmt.Sprintf("fraction %g of %d", x, k), math.Exp(-x * (2*float64(k) + x) / 2),
				func(s *source) bool { return s.keepFraction(k, &fixed) }})
		}
	}
	for _, x := range []float64{0.03, 0.5, 0.9} {
		fixed := uniform{first: uint64(x * (1 << 63) * 2)}
		tests = append(tests, coin{fmt.Sprintf("exponential %g", x), math.Exp(-x),
			func(s *source) bool { return s.evenRun(&fixed, 0) }})
	}
	const n = 1_000_000
	for _, tt := range tests {
		var s source
		heads := 0
		for range n {
			if tt.toss(&s) {
				heads++
			}
		}
		if err := math.Sqrt(n * tt.p * (1 - tt.p)); math.Abs(float64(heads)-n*tt.p) > 5.4*err {
			t.Errorf("%s: %d of %d, want %g", tt.name, heads, n, n*tt.p)
		}
	}
}
