// Package proposals serves changes that wait for those who must agree to them, and
// gives the answer to a change that has become one: for contracts, memberships,
// templates and budgets alike.
package proposals
