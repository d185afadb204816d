// Package authn turns an API key into a principal.
//
// A key is 256 random bits. It is shown once, when it is created; the control
// store keeps its SHA-256 only, which is enough for a secret that nobody can
// guess. Nothing is cached: a key that one process revokes is refused by every
// process at its next call, as are the keys of a tenant that is suspended or
// deleted.
//
// A key may carry the group that its holder spends with. Accounts per principal
// cap a key, and whoever gets another key gets another cap; accounts per group
// cap all keys that ever carried the group's name, and so survive the keys.
//
// Why a key is refused is not said. Unknown, malformed, expired and revoked
// keys get the same answer.
package authn
