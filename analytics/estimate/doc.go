// Package estimate says what the noised draws of a query tell about its
// aggregates, and how exactly: the value of each, an interval that covers the
// bounded truth with a stated confidence, and, before anything is drawn, how
// wide that interval will be.
//
// An estimator knows the noise of its draws, which is public, and nothing about
// the rows. So values are the natural functions of draws (a quotient for AVG,
// ranks in a tree for quantiles), held within the declared bounds, and intervals
// follow from the noise alone: the quantile of the noise for counts and sums,
// Fieller's interval for averages and, around each mean that is plausible, for
// variances, the leaves that noise can move a rank to for quantiles. Where the
// count of a group is not clear of its noise, all that the bounds allow is
// plausible, and the interval says so.
//
// Everything here is post-processing, deterministic, and costs no privacy.
package estimate
