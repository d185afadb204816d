// Package budgets serves what may be spent, what was, and what is left: of tenants,
// of the accounts within theirs, and of the persons of a dataset. It shows what the
// ledger says and changes nothing itself; a larger budget may have to wait.
package budgets
