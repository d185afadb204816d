package mechanism

// uniform is a random real number in [0, 1), of which as many digits to the base
// 2^64 are known as were needed so far: 0.first,more[0],more[1],… The digits
// that are not known yet are independent of all that was done with the number,
// so they can be drawn when they are asked for (Karney, "Sampling Exactly from
// the Normal Distribution", ACM TOMS 42(1), 2016, Section 3: "u-rands").
//
// A copy is another number as soon as either is extended: pass pointers.
type uniform struct {
	first uint64
	more  []uint64 // drawn once in 2^64 comparisons, or to settle a rounding
}

// uniform draws a new number.
func (s *source) uniform() uniform { return uniform{first: s.word()} }

// digit returns the i-th digit after the first, drawing it if need be; those
// before it must be known.
func (u *uniform) digit(s *source, i int) uint64 {
	if i == len(u.more) {
		u.more = append(u.more, s.word())
	}
	return u.more[i]
}

// less reports whether u < v. The two are different numbers, hence unequal with
// probability 1.
func (s *source) less(u, v *uniform) bool {
	if u.first != v.first {
		return u.first < v.first
	}
	return s.lessBeyond(u, v)
}

// lessBeyond decides by the digits after the first.
func (s *source) lessBeyond(u, v *uniform) bool {
	for i := 0; ; i++ {
		if du, dv := u.digit(s, i), v.digit(s, i); du != dv {
			return du < dv
		}
	}
}
