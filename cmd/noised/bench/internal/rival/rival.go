// Package rival answers the benchmark's questions with Google's dpagg, so that
// its errors stand beside noised's at equal cost and equal bounds.
//
// It is the only place outside tests where that library is used, and it noises
// nothing but the public sample, in the benchmark's own process. dpagg's AVG,
// VAR, STDDEV and quantiles work in floating point, whose noise is not private
// near zero (docs/privacy.md, decision 008): they are measured here because
// people use them, and must never noise anybody's data. What noised serves does
// not link the library; make lint checks that.
package rival

import (
	"errors"

	"github.com/google/differential-privacy/go/v3/dpagg"
	"github.com/google/differential-privacy/go/v3/noise"

	"github.com/noised/noised/cmd/noised/internal/sample"
)

// What dpagg is asked for, and the bounds of both sides: a student has rows in
// at most MaxGroups groups and at most MaxRows in each, of ratings between
// Lowest and Highest.
const (
	Epsilon   = 0.25
	Delta     = 1e-6
	MaxGroups = 6
	MaxRows   = 4
	Lowest    = 1
	Highest   = 5
	half      = (Highest - Lowest) / 2.0
)

// Group is the rows of one group, and the same by student.
type Group struct {
	Rows  sample.Ratings
	Units []sample.Ratings
}

// Aggregate is one of dpagg's aggregates.
type Aggregate struct {
	answer func(Group) (float64, error)
	adds   []gauss
}

// Answer returns the aggregate of a group with fresh noise.
func (a Aggregate) Answer(g Group) (float64, error) { return a.answer(g) }

// Mu2 is what its Gaussians cost together in noised's unit.
func (a Aggregate) Mu2() (mu2 float64) {
	for _, g := range a.adds {
		mu2 += g.mu2()
	}
	return mu2
}

// gauss is one Gaussian that dpagg adds: how far one student moves each of how
// many counters, and its share of (ε, δ).
type gauss struct {
	coordinates int64
	linf        float64
	share       float64
}

// mu2 is Δ²/σ² for the σ that dpagg takes.
func (g gauss) mu2() float64 {
	sigma := noise.SigmaForGaussian(g.coordinates, g.linf, Epsilon*g.share, Delta*g.share)
	return float64(g.coordinates) * g.linf * g.linf / (sigma * sigma)
}

// Every noise that is drawn below is on the public sample, to measure dpagg's errors, and
// on nobody's data: see the package.

// Count counts rows: a student's number of rows is one summand, for dpagg.Count
// takes one row of each.
func Count() Aggregate {
	return Aggregate{sumOf(MaxRows, func(unit sample.Ratings) int64 { return int64(len(unit)) }), []gauss{{MaxGroups, MaxRows, 1}}}
}

// Units counts students.
func Units() Aggregate {
	return Aggregate{func(g Group) (float64, error) {
		c, err := dpagg.NewCount(&dpagg.CountOptions{Epsilon: Epsilon, Delta: Delta, MaxPartitionsContributed: MaxGroups, Noise: noise.Gaussian()})
		if err != nil {
			return 0, err
		}
		err = c.IncrementBy(int64(len(g.Units)))
		n, fault := c.Result()
		return float64(n), errors.Join(err, fault)
	}, []gauss{{MaxGroups, 1, 1}}}
}

// Sum adds ratings up.
func Sum() Aggregate {
	return Aggregate{sumOf(Highest*MaxRows, func(unit sample.Ratings) (sum int64) {
		for _, r := range unit {
			sum += int64(r.Rating)
		}
		return sum
	}), []gauss{{MaxGroups, Highest * MaxRows, 1}}}
}

// sumOf sums one integer of each student, at most upper.
func sumOf(upper int64, summand func(unit sample.Ratings) int64) func(Group) (float64, error) {
	return func(g Group) (float64, error) {
		s, err := dpagg.NewBoundedSumInt64(&dpagg.BoundedSumInt64Options{
			Epsilon: Epsilon, Delta: Delta, MaxPartitionsContributed: MaxGroups, Lower: 0, Upper: upper, Noise: noise.Gaussian(),
		})
		if err != nil {
			return 0, err
		}
		for _, u := range g.Units {
			err = errors.Join(err, s.Add(summand(u)))
		}
		n, fault := s.Result()
		return float64(n), errors.Join(err, fault)
	}
}
