// Package rest serves the HTTP interface that api/openapi.yaml describes.
//
// A request passes a fixed line of steps, each in a file of its own, and the
// first that refuses ends it:
//
//	observe      id, access log, metrics, recovery, and the one place that writes errors
//	admit        slots and time limits, so that no caller starves the others
//	hold         answers of queries leave on response slots, whatever rows they took
//	authenticate key, token or certificate → principal; lock-outs, and the principal's request rate
//	authorize    the access table: who may call which operation, for whose objects
//	negotiate    media types of the body and of the answer
//	validate     the request against the document; unknown members are refused
//	replay       the stored answer of a repeated Idempotency-Key
//	handle       parse, one call, return a value
//
// The handlers are the methods of a type that implements the generated
// StrictServerInterface. Errors are *privacy.Error all the way up and become
// RFC 9457 problems in problem.go only. No text, header, status, log line or
// metric depends on private rows.
package rest
