package privacy

import (
	"errors"
	"fmt"
)

// Code names a kind of failure. It is the last path segment of the problem
// type that a client sees, and is part of the public interface.
type Code string

// The codes that may leave the system. Anything else shows as CodeInternal.
const (
	CodeSQLSyntax            Code = "sql-syntax"
	CodeQueryNotPermitted    Code = "query-not-permitted"
	CodeUnknownDataset       Code = "unknown-dataset"
	CodeUnknownColumn        Code = "unknown-column"
	CodeBudgetExhausted      Code = "budget-exhausted"
	CodePrivacyParameters    Code = "privacy-parameters"
	CodeUnauthenticated      Code = "unauthenticated"
	CodeForbidden            Code = "forbidden"
	CodeSuspended            Code = "suspended"
	CodeInvalidRequest       Code = "invalid-request"
	CodeNotFound             Code = "not-found"
	CodeConflict             Code = "conflict"
	CodeUnsupportedMediaType Code = "unsupported-media-type"
	CodeNotAcceptable        Code = "not-acceptable"
	CodeRateLimited          Code = "rate-limited"
	CodeContractInvalid      Code = "contract-invalid"
	CodeLoadRejected         Code = "load-rejected"
	CodeTooLarge             Code = "too-large"
	CodeIdempotencyMismatch  Code = "idempotency-mismatch"
	CodeUnavailable          Code = "unavailable"
	CodeInternal             Code = "internal"
)

// Error is the one error type that crosses package borders.
//
// Message, Position, Suggestion and Problems are safe to show to the caller:
// they never depend on private rows. Cause is for the operator's log only and
// never leaves the process in a response.
type Error struct {
	Code       Code
	Message    string
	Position   int       // 1-based character in the SQL text; 0 when there is none
	Suggestion string    // what to do instead; may be empty
	Problems   []Problem // every problem of a document, for CodeContractInvalid
	Cause      error
}

// Problem is one fault in a document that the caller sent.
type Problem struct {
	Line    int    `json:"line"`            // 1-based; 0 when unknown
	Field   string `json:"field,omitempty"` // dotted path, e.g. "columns.rating.bounds"
	Message string `json:"message"`
}

// Errorf returns an Error with the given code and safe message.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Internal wraps a cause that must not be shown. The context is for the log.
func Internal(cause error, context string) *Error {
	return &Error{
		Code:    CodeInternal,
		Message: "internal error",
		Cause:   fmt.Errorf("%s: %w", context, cause),
	}
}

// At returns a copy of e that points at a 1-based character of the SQL text.
func (e *Error) At(position int) *Error {
	c := *e
	c.Position = position
	return &c
}

// Suggest returns a copy of e with the nearest permitted form.
func (e *Error) Suggest(format string, args ...any) *Error {
	c := *e
	c.Suggestion = fmt.Sprintf(format, args...)
	return &c
}

// Because returns a copy of e with a cause for the log.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.Cause = cause
	return &c
}

// Error implements error. It includes the cause, so it is for logs; show
// Message to callers.
func (e *Error) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.Cause)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// AsError returns the first Error in err's chain. An error of any other kind
// becomes CodeInternal with err as its cause; nil stays nil.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Code: CodeInternal, Message: "internal error", Cause: err}
}

// CodeOf returns the code of err, CodeInternal for an unknown error, and the
// empty code for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	return AsError(err).Code
}
