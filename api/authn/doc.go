// Package authn turns an API key into a principal.
//
// A key is 256 random bits. It is shown once, when it is created; the control
// store keeps its SHA-256 only, which is enough for a secret that nobody can
// guess. Nothing is cached: a key that one process revokes is refused by every
// process at its next call, as are the keys of a tenant that is suspended or
// deleted.
//
// Why a key is refused is not said. Unknown, malformed, expired and revoked
// keys get the same answer.
package authn
