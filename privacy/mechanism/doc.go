// Package mechanism adds noise to exact integers and decides which secret
// groups may be shown. It is the only place in the system that draws noise.
//
// A caller states by how much one privacy unit can move a vector of exact
// integers (Sensitivity) and what it is willing to pay (μ², in the accountant's
// unit). Calibrate answers with a Spec: the less noisy of the Gaussian and the
// Laplace mechanism at that price, with the cost that is actually lost. The
// same Spec then noises each coordinate (Noise, NoiseAll), states how wide a
// confidence interval must be (HalfWidth), and yields the threshold for secret
// groups (NewThreshold).
//
// # What a release is, and why it costs what it costs
//
// An exact integer x becomes
//
//	x + round(Y),  Y = σ·Z or b·L,
//
// where Z is a standard normal and L a standard Laplace variable: real numbers,
// not their floating-point likenesses. Y is never held; the samplers draw as
// many of its binary digits as it takes to know the nearest integer.
//
// Since x is an integer, x + round(Y) = round(x + Y), halves aside, and those
// have probability 0. So a release is post-processing of the continuous
// mechanism x + Y, which nobody sees, and loses no more than it does:
//
//   - A vector of Gaussians is μ-GDP with μ = L2/σ (Dong, Roth, Su, "Gaussian
//     Differential Privacy", 2019, Theorem 2.7). That is a statement about the
//     whole trade-off, in the unit that accounts add.
//   - Laplace is charged by its own trade-off (see laplaceMu2).
//
// Neither has a tail that is cut off, a grid, or a δ. The discrete Gaussian of
// Canonne, Kamath and Steinke (2020) is as exact and serves as well elsewhere,
// but not here: what is proved of it is concentrated DP, which accounts in
// Gaussian DP would have to convert at a loss. Against the discrete Gaussian, a
// rounded one has a variance larger by 1/12.
//
// Exact are the samplers. The float64 arithmetic that turns a price into σ errs
// by less than the margin that calibration leaves (roundoff).
//
// # Randomness
//
// Randomness is the operating system's (crypto/rand), each bit used once. It
// cannot be seeded, replaced or switched off, and the process ends when it
// fails. How long a draw takes depends on the noise alone: samplers do not see
// the value that they protect.
package mechanism
