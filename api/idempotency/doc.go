// Package idempotency remembers the answers to requests that carried an
// Idempotency-Key, so that a client may repeat a POST whose answer it did not
// see.
//
// A key belongs to one principal and one request: the same request under the
// same key gets the same answer, another request is refused. While the first
// attempt runs, a second one is refused as a conflict; an attempt whose server
// died is taken over when its lease has run out, so an effect that was durable
// before the crash can happen once more unless the effect itself knows the key,
// as queries and loads do. For queries nobody waits: a second attempt joins the
// first. Only answers that had an effect are kept, for a day. Nothing is dropped
// before that to make room, or a repeated request might have its effect twice: a
// principal that has used too many keys is refused further ones instead.
//
// Answers may hold secrets that are shown once, such as a new API key. They are
// sealed with AES-GCM under a key derived (HKDF) from the secret that the caller
// authenticated with: the store alone cannot open them.
package idempotency
