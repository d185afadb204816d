package mechanism

import (
	"math"
	"math/bits"

	"github.com/google/differential-privacy/go/v3/noise"

	"github.com/noised/noised/privacy"
)

// Kind is the family of a noise distribution.
type Kind string

// The kinds of noise.
const (
	Gaussian Kind = "gaussian"
	Laplace  Kind = "laplace"
)

// Sensitivity says by how much adding or removing one privacy unit can change a
// vector of exact integers: at most L0 coordinates, each by at most LInf, with
// the given L1 and L2 norms of the whole change. Bounds.L1Rows and L2Rows,
// times the largest magnitude of one row, give the norms.
type Sensitivity struct {
	L0   int64   // coordinates that one unit can shift
	L1   float64 // norm of the whole shift
	L2   float64
	LInf int64 // shift of one coordinate
}

// check refuses what is not the sensitivity of a vector of integers, or does
// not fit 63 bits. A unit that counts moves some integer, so every norm is at
// least 1.
func (s Sensitivity) check() error {
	if s.L0 < 1 || s.L0 > privacy.MaxBound || s.LInf < 1 || s.LInf > privacy.MaxRelease {
		return privacy.Errorf(privacy.CodePrivacyParameters, "contribution bounds are out of range")
	}
	if hi, lo := bits.Mul64(uint64(s.L0), uint64(s.LInf)); hi != 0 || lo > math.MaxInt64 {
		return privacy.Errorf(privacy.CodePrivacyParameters, "the contribution of one privacy unit is too large")
	}
	// Written so that NaN is refused too.
	if !(s.L1 >= 1 && s.L1 <= math.MaxInt64) || !(s.L2 >= 1 && s.L2 <= math.MaxInt64) {
		return privacy.Errorf(privacy.CodePrivacyParameters, "the sensitivity of the query is out of range")
	}
	return nil
}

// Spec is a calibrated mechanism for one vector. It is immutable, comparable,
// and safe for concurrent use; the zero value noises nothing and fails.
type Spec struct {
	Kind   Kind
	Stddev float64      // of the noise that is added, rounding included, in steps
	Cost   privacy.Cost // lost by releasing the whole vector once

	scale   float64 // σ of the Gaussian, b of the Laplace, before rounding
	linf    int64   // the three arguments that make the library use this scale
	epsilon float64
	delta   float64
}

// Noise returns the exact value of one coordinate with fresh noise. It must be
// called once per coordinate and release.
//
// The value is first clamped to ±privacy.MaxRelease. Clamping each coordinate is
// 1-Lipschitz, so no norm of a shift grows and Cost still holds; and it leaves
// room for the noise, which stays below 2^61 in magnitude (at most 8.9·2^47 for
// a Gaussian, 2^63 grid steps of 2^−2 for Laplace), so that the sum cannot wrap.
func (s Spec) Noise(exact privacy.Int128) (int64, error) {
	var library noise.Noise
	switch s.Kind {
	case Gaussian:
		library = noise.Gaussian()
	case Laplace:
		library = noise.Laplace()
	default:
		return 0, privacy.Errorf(privacy.CodeInternal, "noise of no kind")
	}
	v, err := library.AddNoiseInt64(exact.Clamp(privacy.MaxRelease), 1, s.linf, s.epsilon, s.delta)
	if err != nil {
		return 0, privacy.Internal(err, "adding noise")
	}
	return v, nil
}
