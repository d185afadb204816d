package mechanism

// deviate is a random real number ±(whole + fraction). Its sign is fair and
// independent of the rest; no number is drawn twice for that, since 0 itself has
// probability 0.
type deviate struct {
	negative bool
	whole    uint64
	fraction uniform
}

// normal draws a standard normal deviate: Algorithm N of Karney, "Sampling
// Exactly from the Normal Distribution" (ACM TOMS 42(1), 2016). It compares
// uniform numbers and flips coins; nothing is computed, so nothing is rounded.
//
// The whole part k is drawn with probability ∝ e^(−k/2) and kept with
// probability e^(−k(k−1)/2), which makes e^(−k²/2). The fraction x is uniform
// and kept with probability e^(−x(2k+x)/2), which makes e^(−(k+x)²/2) in all.
// When either is not kept, everything begins anew.
func (s *source) normal(d *deviate) {
	for {
		d.whole = 0
		for s.rootCoin() {
			d.whole++
		}
		if !s.keepWhole(d.whole) {
			continue
		}
		d.fraction = s.uniform()
		if s.keepFraction(d.whole, &d.fraction) {
			d.negative = s.bit()
			return
		}
	}
}

// keepWhole is true with probability e^(−k(k−1)/2).
func (s *source) keepWhole(k uint64) bool {
	for i := uint64(1); i < k; i++ { // k−1 times k coins
		for range k {
			if !s.rootCoin() {
				return false
			}
		}
	}
	return true
}

// keepFraction is true with probability e^(−x(2k+x)/2): k+1 coins, each of
// e^(−x(2k+x)/(2k+2)).
func (s *source) keepFraction(k uint64, x *uniform) bool {
	for range k + 1 {
		if !s.evenRun(x, 2*k+2) {
			return false
		}
	}
	return true
}

// rootCoin is true with probability e^(−1/2), by von Neumann's method: for
// uniform numbers with ½ > u₁ > u₂ > … > u_n ≤ u_{n+1} the length n is at least
// j with probability (½)^j/j!, so that it is even with probability
// Σ (−½)^j/j! = e^(−1/2).
//
// The first bit of each number says whether it is below ½ at all, which mostly
// decides; the others are those of 2u.
func (s *source) rootCoin() bool {
	if s.bit() {
		return true // u₁ ≥ ½: length 0
	}
	if s.bit() {
		return false // u₂ ≥ ½: length 1
	}
	var twice [2]uniform // 2u_n at n mod 2
	twice[1] = s.uniform()
	for n := 1; ; n++ { // u_{n+1} < ½
		next := &twice[(n+1)%2]
		*next = s.uniform()
		if !s.less(next, &twice[n%2]) {
			return n%2 == 0
		}
		if s.bit() { // u_{n+2} ≥ ½: length n+1
			return n%2 == 1
		}
	}
}

// evenRun is true with probability e^(−xq) for q = (m−2+x)/m, or q = 1 if m is
// 0. It is von Neumann's method again: the length of the run x > u₁ > u₂ > …,
// each step of which must also succeed with probability q, is at least j with
// probability x^j·q^j/j!, and even with probability Σ (−xq)^j/j!.
func (s *source) evenRun(x *uniform, m uint64) bool {
	var u [2]uniform // u_n at n mod 2
	last := x
	for n := 0; ; n++ {
		if m > 0 && !s.step(x, m) {
			return n%2 == 0
		}
		next := &u[(n+1)%2]
		*next = s.uniform()
		if !s.less(next, last) {
			return n%2 == 0
		}
		last = next
	}
}

// step is true with probability (m−2+x)/m: of m equally likely cases one fails,
// one succeeds with probability x, and the others succeed.
func (s *source) step(x *uniform, m uint64) bool {
	switch s.below(m) {
	case 0:
		return false
	case 1:
		r := s.uniform()
		return s.less(&r, x)
	default:
		return true
	}
}

// laplace draws a standard Laplace deviate: an exponential one with a sign. The
// exponential is von Neumann's ("Various Techniques Used in Connection with
// Random Digits", 1951): a uniform x is kept with probability e^(−x); each
// failure, of probability 1/e whatever x, counts one more whole.
func (s *source) laplace(d *deviate) {
	for d.whole = 0; ; d.whole++ {
		d.fraction = s.uniform()
		if s.evenRun(&d.fraction, 0) {
			d.negative = s.bit()
			return
		}
	}
}
