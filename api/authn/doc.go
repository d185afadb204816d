// Package authn turns credentials into a principal: an API key, a token that
// somebody else issued (package oidc) or the certificate of a connection (package
// certs). [Gate] takes them all.
//
// A key is 256 random bits. It is shown once, when it is created; the control
// store keeps its SHA-256 only, which is enough for a secret that nobody can
// guess. Nothing is cached: a key or a principal that one process revokes is
// refused by every process at its next call, as are those of a tenant that is
// suspended or deleted.
//
// A key that replaces another acts for the same principal. Accounts per principal
// cap whoever acts by these keys, tokens or certificates, and whoever gets a key
// that replaces none gets another cap; accounts per group cap all that ever
// carried the group's name.
//
// Why credentials are refused is not said. Unknown, malformed, expired and
// revoked ones get the same answer.
package authn
