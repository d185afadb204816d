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
// What an account admits is decided by package filter, which says why the sum of
// debits caps the loss. The rectangle of each account is fixed when it is opened,
// and nothing moves it; the store itself refuses to (see its triggers).
//
// Whoever is in a group sees what the group was charged for, and every release
// that a member sees is debited from the group once: it is one adversary, who
// looks at each release once. That holds whatever its members tell each other,
// and for all keys that ever carried its name. A release that a principal or a
// group was shown before its account was opened is not in the account.
//
// # Budgets per period
//
// Where a contract gives every period of rows a budget of its own, a query is
// debited in full from the accounts of all periods whose rows it can read, and
// reads no other rows. A unit whose rows lie in periods K is touched by a query
// only if the query reads some period of K, and then at least one of K's
// accounts is debited. So what all queries take from the unit is at most the sum
// over K of what their accounts admit:
//
//	Σ over queries that touch K of μ²  ≤  Σ over m in K of Σ over queries that read m of μ²  ≤  |K|·life.Mu2
//
// and the right side is fixed beforehand, as the theorem in package filter
// wants. It needs that a row's period is the row's own and never changes, that
// rows without a date have a period too, and that bounding treats a unit as one
// over all the periods that a query reads; the planner and the engine see to
// that. An account per period is opened by the first charge that touches it, with
// the cap, window and ceiling of its tenant's or dataset's own account at that
// moment. The ceiling of that one never changes, so when a period is opened does
// not matter. Later changes of the cap or window move all periods.
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
// # Batches
//
// A transaction costs an fsync, so charges that wait while one runs share the
// next (package batch, queue.go). It reads the accounts that they touch once it
// holds the store's write lock, so that no other process can debit them before it
// ends; decides each charge in order of arrival, on what those before it left
// (posting.go); and writes every account once and the rows of a table together.
// A refusal changes nothing, so its neighbours are charged as if it had not been
// there. A failure of the transaction charges nobody. Nobody is answered before
// the commit is on disk and witnessed; a crash between the two leaves charges
// that nobody was told of, which are found and redeemed like all others.
//
// Accounts that a charge debits are listed in one row (debits.go).
//
// # Layout
//
// Three packages decide, without storage and without a clock: filter what an account
// admits, batch which charges share a transaction, and leaves what stands on the log
// of a charge and what opens it. The files here store. All arithmetic is on integers.
package ledger
