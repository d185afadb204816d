// Package certs turns client certificates into identities.
//
// A certificate is accepted if one of the certificates in the CA file issued it
// directly, for client authentication, and it is valid now and not revoked. It
// names whom it belongs to in exactly one URI:
//
//	noised://TENANT/ROLE/NAME    a service of a tenant; /NAME may be left out
//	noised:///ROLE/NAME          one that belongs to no tenant, such as an operator's
//
// Everything is checked at every call against the files as they are then, not
// only in the handshake: a connection may be open for days. What the handshake
// proves, and only it can, is that the sender has the private key; so only the
// certificates of the connection itself count, and one that was copied from
// another connection, or that a header holds, is worth nothing.
package certs
