// Package edge is what every request passes before a handler sees it, and every
// answer after. It is a fixed line of steps, each in a file of its own, and the
// first that refuses ends it:
//
//	observe      id, access log, metrics, recovery, and the one place that writes errors
//	admit        slots and time limits, so that no caller starves the others
//	hold         answers of queries leave on response slots, whatever rows they took
//	authenticate key, token or certificate → principal; lock-outs, and the principal's request rate
//	authorize    the access table, then the policies: who may call which operation, for whose objects
//	negotiate    media types of the body and of the answer
//	validate     the request against the document; unknown members are refused
//	replay       the stored answer of a repeated Idempotency-Key
//
// No text, header, status, log line or metric depends on private rows.
package edge
