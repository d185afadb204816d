// Package mechanism adds noise to exact integers and decides which secret
// groups may be shown. It is the only place in the system that draws noise.
//
// A caller states by how much one privacy unit can move a vector of exact
// integers (Sensitivity) and what it is willing to pay (μ², in the accountant's
// unit). Calibrate answers with a Spec: the less noisy of the Gaussian and the
// Laplace mechanism at that price, with the cost that is actually lost. The
// same Spec then noises each coordinate (Noise), states how wide a confidence
// interval must be (HalfWidth), and yields the threshold for secret groups
// (NewThreshold).
//
// # Integers only
//
// The samplers are those of github.com/google/differential-privacy/go, and only
// their integer forms: the library's float forms produce values near zero that
// one neighbour can give and the other cannot. Here an exact integer x becomes
//
//	x + round(Y),  Y on a grid of spacing g = 2^−j < 1,
//
// where Y is, up to its grid, Gaussian with standard deviation σ or Laplace with
// scale b, and round goes to the nearest integer, halves away from zero. Because
// the grid divides 1, a shift of x by an integer maps the grid onto itself, so
// the ratio of the probabilities of x + Y = o under two neighbours is exactly
// that of the continuous densities. Rounding is post-processing, except for
// halves; what those cost is charged (see Calibrate).
//
// # What is charged, and what is not
//
// Charged: the scale that is really used, after every rounding of parameters;
// the outputs beyond the sampler's cut-off, which only one neighbour can give;
// the grid and its halves. Not charged: the relative error of at most 2^−44 with
// which float64 arithmetic, in the sampler and in the accountant alike,
// evaluates a likelihood.
//
// Randomness is the operating system's (crypto/rand). It cannot be seeded,
// replaced or switched off.
package mechanism
