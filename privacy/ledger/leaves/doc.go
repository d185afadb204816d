// Package leaves says what stands on the log of a charge, and what opens it. It is
// apart from storage: package ledger appends the leaves, and keeps what opens them.
//
// The leaf of a charge names nobody. It commits to the names of the accounts that
// were debited, by a tree over the parties that they are of, the tenants and the
// dataset; and to what was charged for. The nonce of the charge opens both, part by
// part, so that each tenant is shown its own and nobody who paid besides.
//
// Leaves are never rewritten. Whatever a leaf commits to is computed again, byte by
// byte, when it is opened: texts of a form that was ever written must stay as they are.
package leaves
