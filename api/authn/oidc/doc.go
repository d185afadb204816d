// Package oidc turns bearer tokens of OpenID Connect issuers into identities.
//
// An issuer is trusted for one audience and for what its claims are mapped to:
// a tenant, a group and roles. Everything else in a token is ignored. A token
// counts if it is signed by a key that the issuer publishes, with an asymmetric
// algorithm, for the audience, and now; the reason why one does not is told to
// the log and never to whoever sent it.
//
// Keys are the only thing that is kept. They are fetched in the background and
// anew when a token names one that is not known, at most every ten seconds, so
// that strangers cannot make the server hammer an issuer. Keys that could not be
// confirmed for an hour are dropped: an issuer that withdraws a key must not
// have to be reachable by chance. While there are none, tokens are refused as
// unavailable and everything else goes on.
package oidc
