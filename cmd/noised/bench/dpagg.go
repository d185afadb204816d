package main

import (
	"errors"

	"github.com/google/differential-privacy/go/v3/dpagg"
	"github.com/google/differential-privacy/go/v3/noise"

	"github.com/noised/noised/cmd/noised/internal/sample"
)

// What dpagg is asked for, and the bounds of both sides: a student has rows in
// at most maxGroups groups and at most maxRows in each.
const (
	dpaggEpsilon = 0.25
	dpaggDelta   = 1e-6
	maxGroups    = 6
	maxRows      = 4
	lowest       = 1 // bounds of a rating
	highest      = 5
	half         = (highest - lowest) / 2.0
)

// group is the rows of one group, and the same by student.
type group struct {
	rows  sample.Ratings
	units []sample.Ratings
}

// gauss is one Gaussian that dpagg adds: how far one student moves each of how
// many counters, and its share of (ε, δ).
type gauss struct {
	coordinates int64
	linf        float64
	share       float64
}

// mu2 is what the Gaussian costs in the accountant's unit: Δ²/σ² for the σ that
// dpagg takes.
func (g gauss) mu2() float64 {
	sigma := noise.SigmaForGaussian(g.coordinates, g.linf, dpaggEpsilon*g.share, dpaggDelta*g.share)
	return float64(g.coordinates) * g.linf * g.linf / (sigma * sigma)
}

// dpaggCount counts rows: a student's number of rows is one summand, for
// dpagg.Count takes one row of each.
func dpaggCount(g group) (float64, error) {
	s, err := dpagg.NewBoundedSumInt64(&dpagg.BoundedSumInt64Options{
		Epsilon: dpaggEpsilon, Delta: dpaggDelta, MaxPartitionsContributed: maxGroups, Lower: 0, Upper: maxRows, Noise: noise.Gaussian(),
	})
	if err != nil {
		return 0, err
	}
	for _, u := range g.units {
		err = errors.Join(err, s.Add(int64(len(u))))
	}
	n, fault := s.Result()
	return float64(n), errors.Join(err, fault)
}

func dpaggUnits(g group) (float64, error) {
	c, err := dpagg.NewCount(&dpagg.CountOptions{
		Epsilon: dpaggEpsilon, Delta: dpaggDelta, MaxPartitionsContributed: maxGroups, Noise: noise.Gaussian(),
	})
	if err != nil {
		return 0, err
	}
	err = c.IncrementBy(int64(len(g.units)))
	n, fault := c.Result()
	return float64(n), errors.Join(err, fault)
}

func dpaggSum(g group) (float64, error) {
	s, err := dpagg.NewBoundedSumInt64(&dpagg.BoundedSumInt64Options{
		Epsilon: dpaggEpsilon, Delta: dpaggDelta, MaxPartitionsContributed: maxGroups,
		Lower: 0, Upper: highest * maxRows, Noise: noise.Gaussian(),
	})
	if err != nil {
		return 0, err
	}
	for _, u := range g.units {
		var sum int64
		for _, r := range u {
			sum += int64(r.Rating)
		}
		err = errors.Join(err, s.Add(sum))
	}
	n, fault := s.Result()
	return float64(n), errors.Join(err, fault)
}

// adder is what the aggregates of single rows have in common.
type adder interface{ Add(float64) error }

func addRows(a adder, g group) (err error) {
	for _, r := range g.rows {
		err = errors.Join(err, a.Add(float64(r.Rating)))
	}
	return err
}

func dpaggMean(g group) (float64, error) {
	m, err := dpagg.NewBoundedMean(&dpagg.BoundedMeanOptions{
		Epsilon: dpaggEpsilon, Delta: dpaggDelta, MaxPartitionsContributed: maxGroups, MaxContributionsPerPartition: maxRows,
		Lower: lowest, Upper: highest, Noise: noise.Gaussian(),
	})
	if err != nil {
		return 0, err
	}
	err = addRows(m, g)
	v, fault := m.Result()
	return v, errors.Join(err, fault)
}
func dpaggVariance(g group) (float64, error) {
	s, err := dpagg.NewBoundedVariance(&dpagg.BoundedVarianceOptions{
		Epsilon: dpaggEpsilon, Delta: dpaggDelta, MaxPartitionsContributed: maxGroups, MaxContributionsPerPartition: maxRows,
		Lower: lowest, Upper: highest, Noise: noise.Gaussian(),
	})
	if err != nil {
		return 0, err
	}
	err = addRows(s, g)
	v, fault := s.Result()
	return v, errors.Join(err, fault)
}

func dpaggDeviation(g group) (float64, error) {
	s, err := dpagg.NewBoundedStandardDeviation(&dpagg.BoundedStandardDeviationOptions{
		Epsilon: dpaggEpsilon, Delta: dpaggDelta, MaxPartitionsContributed: maxGroups, MaxContributionsPerPartition: maxRows,
		Lower: lowest, Upper: highest, Noise: noise.Gaussian(),
	})
	if err != nil {
		return 0, err
	}
	err = addRows(s, g)
	v, fault := s.Result()
	return v, errors.Join(err, fault)
}

func dpaggQuantile(rank float64) func(group) (float64, error) {
	return func(g group) (float64, error) {
		q, err := dpagg.NewBoundedQuantiles(&dpagg.BoundedQuantilesOptions{
			Epsilon: dpaggEpsilon, Delta: dpaggDelta, MaxPartitionsContributed: maxGroups, MaxContributionsPerPartition: maxRows,
			Lower: lowest, Upper: highest, Noise: noise.Gaussian(),
		})
		if err != nil {
			return 0, err
		}
		err = addRows(q, g)
		v, fault := q.Result(rank)
		return v, errors.Join(err, fault)
	}
}
