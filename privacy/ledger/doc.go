// Package ledger keeps the privacy budgets: accounts, the charges against
// them, and the promise that each charge buys one release.
//
// # Accounts
//
// An account caps loss in integers ([privacy.Cost]). It has a lifetime
// ceiling, fixed when it is opened, and a cap per window (day, week or month
// in UTC, or none) that paces spending below the ceiling. Accounts are keyed
// by name and never deleted, so deleting and re-creating a tenant, a dataset
// or a key raises nothing. Time, as an account sees it, never runs backwards:
// a clock that is set back refills no window. An account that nobody set has
// no budget at all.
//
// # Charges
//
// [Ledger.Charge] debits every account that a query touches, or none, together
// with a leaf of the transparency log, and is on disk when it returns; it must
// return before any private row is read. A charge is never refunded. Instead
// it is redeemable:
//
//	              Acquire (lease, attempt counted)
//	                 ┌────┐
//	                 ▼    │
//	Charge ──────► pending ──── Redeem ───► released   (one release, for ever)
//	                 │
//	                 └── attempts used up ─► abandoned (paid, nothing released)
//
// A crash, a timeout or a hang-up leaves the charge pending. Whoever holds its
// lease runs the query again and redeems the charge in the transaction that
// stores the release; compare-and-swap lets only the first succeed.
//
// # Layout
//
// arithmetic.go and window.go decide, without storage and without a clock;
// the other files store. All arithmetic is on integers.
package ledger
