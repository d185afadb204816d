// Package privacy is the vocabulary that every other package shares, and the
// arithmetic of privacy loss.
//
// It holds the loss parameters (ε, δ), the integer cost (Σμ², Σδ) in which the
// ledger counts, budgets and accounts, contribution bounds and the
// sensitivities that follow from them, principals and roles, ids, and the
// error type with its codes. It imports the standard library only, does no
// input or output, and reads no clock.
//
// The accountant is Gaussian differential privacy used as a fully adaptive
// filter: Dong, Roth, Su, "Gaussian Differential Privacy" (2019), and Smith,
// Thakurta, "Fully Adaptive Composition for Gaussian Differential Privacy"
// (2022). A mechanism that is μ-GDP costs μ²; costs add up under adaptive
// composition; a sequence stopped before Σμ² exceeds B is √B-GDP.
package privacy
