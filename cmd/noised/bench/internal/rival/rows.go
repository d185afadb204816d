package rival

import (
	"errors"

	"github.com/google/differential-privacy/go/v3/dpagg"
	"github.com/google/differential-privacy/go/v3/noise"
)

// What follows noises floating-point sums, which is not private near zero: here they are
// of the public sample, to be measured, and lint lets nothing that noised serves use them
// (see the package).

// Mean averages ratings. dpagg adds a count and a sum around the middle.
func Mean() Aggregate {
	return Aggregate{ofRows(func() (*dpagg.BoundedMean, error) {
		return dpagg.NewBoundedMean(&dpagg.BoundedMeanOptions{
			Epsilon: Epsilon, Delta: Delta, MaxPartitionsContributed: MaxGroups, MaxContributionsPerPartition: MaxRows,
			Lower: Lowest, Upper: Highest, Noise: noise.Gaussian(),
		})
	}, (*dpagg.BoundedMean).Result), []gauss{{MaxGroups, MaxRows, 1. / 2}, {MaxGroups, half * MaxRows, 1. / 2}}}
}

// ofVariance is what dpagg adds for a variance and its root: a count, a sum and a
// sum of squares.
var ofVariance = []gauss{{MaxGroups, MaxRows, 1. / 3}, {MaxGroups, half * MaxRows, 1. / 3}, {MaxGroups, half * half * MaxRows, 1. / 3}}

// Variance is the variance of ratings.
func Variance() Aggregate {
	return Aggregate{ofRows(func() (*dpagg.BoundedVariance, error) {
		return dpagg.NewBoundedVariance(&dpagg.BoundedVarianceOptions{
			Epsilon: Epsilon, Delta: Delta, MaxPartitionsContributed: MaxGroups, MaxContributionsPerPartition: MaxRows,
			Lower: Lowest, Upper: Highest, Noise: noise.Gaussian(),
		})
	}, (*dpagg.BoundedVariance).Result), ofVariance}
}

// Deviation is the standard deviation of ratings.
func Deviation() Aggregate {
	return Aggregate{ofRows(func() (*dpagg.BoundedStandardDeviation, error) {
		return dpagg.NewBoundedStandardDeviation(&dpagg.BoundedStandardDeviationOptions{
			Epsilon: Epsilon, Delta: Delta, MaxPartitionsContributed: MaxGroups, MaxContributionsPerPartition: MaxRows,
			Lower: Lowest, Upper: Highest, Noise: noise.Gaussian(),
		})
	}, (*dpagg.BoundedStandardDeviation).Result), ofVariance}
}

// Quantile is the rating at a rank between 0 and 1, from dpagg's tree.
func Quantile(rank float64) Aggregate {
	return Aggregate{ofRows(func() (*dpagg.BoundedQuantiles, error) {
		return dpagg.NewBoundedQuantiles(&dpagg.BoundedQuantilesOptions{
			Epsilon: Epsilon, Delta: Delta, MaxPartitionsContributed: MaxGroups, MaxContributionsPerPartition: MaxRows,
			Lower: Lowest, Upper: Highest, Noise: noise.Gaussian(),
		})
	}, func(q *dpagg.BoundedQuantiles) (float64, error) { return q.Result(rank) }), []gauss{{MaxGroups * dpagg.DefaultTreeHeight, MaxRows, 1}}}
}

// ofRows gives every rating to a new aggregate and asks for its result.
func ofRows[A interface{ Add(float64) error }](begin func() (A, error), result func(A) (float64, error)) func(Group) (float64, error) {
	return func(g Group) (float64, error) {
		a, err := begin()
		if err != nil {
			return 0, err
		}
		for _, r := range g.Rows {
			err = errors.Join(err, a.Add(float64(r.Rating)))
		}
		v, fault := result(a)
		return v, errors.Join(err, fault)
	}
}
