// Package query is the use case that the product exists for: it takes one
// question from an analyst to a release. The question is prepared in
// analytics/question, charged and served here, and what it was charged for is run,
// noised and stored in analytics/redeem. What the package promises:
//
//   - No private row is read before every account that the query touches has
//     been debited, durably, in one transaction.
//   - A release is durable before any of it is returned.
//   - A charge is never given back. It stays redeemable instead: after a crash,
//     a timeout or a hang-up the same question finds the charge, finishes it,
//     and returns its one release.
//   - Asking again for a stored core is free and gives the same bytes.
//   - Refusals, prices and errors depend on the contract, the request, budgets
//     and generation ids, never on rows.
package query
