package mechanism

import (
	"math"
	"math/bits"
	"runtime"
	"sync"

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

// MaxNoised is the largest magnitude of a noised value, ±2^62: twice that of an
// exact one, so that it is met by the noise's tail only.
const MaxNoised = 2 * privacy.MaxRelease

// Spec is a calibrated mechanism for one vector. It is immutable, comparable,
// and safe for concurrent use; the zero value noises nothing and fails.
type Spec struct {
	Kind   Kind
	Stddev float64      // of the noise that is added, rounding included, in steps
	Cost   privacy.Cost // lost by releasing the whole vector once

	scale float64 // σ of the Gaussian, b of the Laplace, before rounding
}

// Noise returns the exact value of one coordinate with fresh noise. It must be
// called once per coordinate and release.
//
// The value is first clamped to ±privacy.MaxRelease. Clamping each coordinate is
// 1-Lipschitz, so no norm of a shift grows and Cost still holds. The sum is
// clamped to ±MaxNoised, which is post-processing.
func (s Spec) Noise(exact privacy.Int128) (int64, error) {
	if err := s.usable(); err != nil {
		return 0, err
	}
	random := sources.Get().(*source)
	defer sources.Put(random)
	return s.draw(random, newScaling(s.scale), exact), nil
}

// NoiseAll sets dst[i] to the exact value exact[i] with fresh noise, as Noise
// does for one, and with less overhead for each. The slices must be of one
// length. Nothing is written when it fails.
//
// Many values are cut into ranges, which as many goroutines as there are
// processors noise at the same time. The draws are as independent as those of
// one goroutine are: each takes a source from the pool, which lends it to nobody
// else until it comes back, and a source hands out each bit that it was given by
// the operating system once (source). So no bit of randomness decides in two
// draws, whichever goroutine makes them. Where the ranges end depends on the
// number of values and of processors, never on the values.
func (s Spec) NoiseAll(dst []int64, exact []privacy.Int128) error {
	if err := s.usable(); err != nil {
		return err
	}
	if len(dst) != len(exact) {
		return privacy.Errorf(privacy.CodeInternal, "%d exact values for %d noised ones", len(exact), len(dst))
	}
	shards, n := max(1, min(runtime.GOMAXPROCS(0), len(dst)/leastShard)), len(dst)
	var others sync.WaitGroup
	for i := 1; i < shards; i++ {
		from, to := i*n/shards, (i+1)*n/shards
		others.Go(func() { s.noiseRange(dst[from:to], exact[from:to]) })
	}
	s.noiseRange(dst[:n/shards], exact[:n/shards])
	others.Wait()
	return nil
}

// leastShard is the number of values that are worth a goroutine: their noise
// takes many times what starting one does.
const leastShard = 2048

// noiseRange noises values one after the other, by one source.
func (s Spec) noiseRange(dst []int64, exact []privacy.Int128) {
	random, by := sources.Get().(*source), newScaling(s.scale)
	defer sources.Put(random)
	for i, x := range exact {
		dst[i] = s.draw(random, by, x)
	}
}

// usable refuses a Spec that Calibrate did not make.
func (s Spec) usable() error {
	if s.Kind != Gaussian && s.Kind != Laplace || !validScale(s.scale) {
		return privacy.Errorf(privacy.CodeInternal, "noise of no kind")
	}
	return nil
}

// draw noises one value.
func (s Spec) draw(random *source, by scaling, exact privacy.Int128) int64 {
	var d deviate
	if s.Kind == Laplace {
		random.laplace(&d)
	} else {
		random.normal(&d)
	}
	return noised(exact, by.round(random, &d))
}

// noised clamps, adds and clamps. Noise that was saturated at ±MaxInt64 ends at
// ±MaxNoised whatever the value is, so that nothing but the sum shows.
func noised(exact privacy.Int128, noise int64) int64 {
	return privacy.Int128From(exact.Clamp(privacy.MaxRelease)).AddInt64(noise).Clamp(MaxNoised)
}
