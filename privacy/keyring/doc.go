// Package keyring keeps the keys that data at rest is encrypted with.
//
// Everything that is sealed has a data key of its own [Scope]: a segment, an
// upload, a tenant's releases. Data keys are random, live in the control store,
// and are wrapped there by the key-encryption key (a [Wrapper]), which is not in
// the data directory: a copy of the directory alone opens nothing. The scope is
// bound to the wrapped key as associated data, so that a key that was moved to
// another row does not open, and with it neither does data that was moved to
// another tenant's or another generation's place.
//
// # What it guarantees
//
//   - [Ring.Shred] forgets keys in the caller's transaction. What they sealed is
//     gone with it, wherever copies of it are, except with an older copy of the
//     control store and the key-encryption key together.
//   - [Ring.Rewrap] gives every data key another wrapping while servers run: no
//     data is written again, and a key is readable at every moment.
//   - A Ring without a Wrapper, and a nil one, is off: [Ring.Seal] returns what it
//     is given. A Ring that is on opens both what it sealed and what was written
//     before there were keys.
//
// # What it does not
//
// What was never sealed is taken as it is, and so whoever can write to the data
// directory can replace a sealed value by one in clear. Encryption is against
// whoever reads; the log and the digests of files are against whoever writes.
package keyring
