// Package policy decides calls by Cedar policies: who may ask what, for which
// purpose, with which loss and when.
//
// A Set is a validated, immutable set of policies. What no policy permits is
// denied, a forbid goes before every permit, and a forbid that cannot be
// evaluated denies. A Service holds the set in force, which is one of the
// control store's numbered versions, and swaps it as a whole.
//
// Policies narrow. Roles and ownership are decided before, by the access table
// of the API, and no policy widens what that refuses. Nor do policies count:
// what a budget allows is decided by the ledger, after them.
package policy
