// Package filter decides what an account admits: whether a cost still fits its
// window and its lifetime ceiling, what is left of both, and when a window begins
// anew. It is arithmetic on integers. It reads no clock, which its callers pass in,
// and stores nothing: package ledger keeps a [Balance] for each account. Whatever is
// debited goes through [Balance.Admits], and what it refuses is not debited.
//
// # Why the sum of debits caps the loss
//
// An account is a fully adaptive filter for Gaussian differential privacy (Smith
// and Thakurta, "Fully Adaptive Composition for Gaussian Differential Privacy",
// 2022, Theorem 2): if mechanisms with parameters μ₁, μ₂, … are chosen one after
// the other, each by what the earlier ones answered, and Σμ² never exceeds a
// bound B² that was fixed beforehand, everything together is B-GDP. The δ of
// selections and tails adds up likewise under a bound of its own. So each
// account has one rectangle, Σμ² ≤ life.Mu2 and Σδ ≤ life.Delta, which is fixed
// when it is opened and which no step moves; the store itself refuses to (see the
// triggers of its table of accounts). Windows and caps only refuse more. A refusal depends on what
// was debited before and on the cost, which follow from public plans and from
// answers, so it tells nothing more.
package filter
