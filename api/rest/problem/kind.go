package problem

import (
	"net/http"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
)

// kind is how a code shows in HTTP.
type kind struct {
	status int
	title  string
}

// kindOf returns the status and title of a code. An unknown code is internal.
func kindOf(code privacy.Code) kind {
	switch code {
	case privacy.CodeSQLSyntax:
		return kind{http.StatusBadRequest, "The SQL does not parse"}
	case privacy.CodeInvalidRequest:
		return kind{http.StatusBadRequest, "The request is not valid"}
	case privacy.CodeUnauthenticated:
		return kind{http.StatusUnauthorized, "The caller is not known"}
	case privacy.CodeForbidden:
		return kind{http.StatusForbidden, "The caller may not do this"}
	case privacy.CodeSuspended:
		return kind{http.StatusForbidden, "This is suspended"}
	case privacy.CodeNotFound:
		return kind{http.StatusNotFound, "There is no such thing"}
	case privacy.CodeUnknownDataset:
		return kind{http.StatusNotFound, "There is no such dataset"}
	case privacy.CodeNotAcceptable:
		return kind{http.StatusNotAcceptable, "The answer has no such form"}
	case privacy.CodeConflict:
		return kind{http.StatusConflict, "The request conflicts with the present state"}
	case privacy.CodeTooLarge:
		return kind{http.StatusRequestEntityTooLarge, "The request is too large"}
	case privacy.CodeUnsupportedMediaType:
		return kind{http.StatusUnsupportedMediaType, "The body has the wrong form"}
	case privacy.CodeQueryNotPermitted:
		return kind{http.StatusUnprocessableEntity, "The query is not permitted"}
	case privacy.CodeUnknownColumn:
		return kind{http.StatusUnprocessableEntity, "There is no such column"}
	case privacy.CodePrivacyParameters:
		return kind{http.StatusUnprocessableEntity, "The privacy parameters are out of range"}
	case privacy.CodeContractInvalid:
		return kind{http.StatusUnprocessableEntity, "The contract does not hold"}
	case privacy.CodeLoadRejected:
		return kind{http.StatusUnprocessableEntity, "The load was rejected"}
	case privacy.CodeIdempotencyMismatch:
		return kind{http.StatusUnprocessableEntity, "The Idempotency-Key belongs to another request"}
	case privacy.CodeBudgetExhausted:
		return kind{http.StatusTooManyRequests, "The privacy budget is exhausted"}
	case privacy.CodeRateLimited:
		return kind{http.StatusTooManyRequests, "Too many requests"}
	case privacy.CodeUnavailable:
		return kind{http.StatusServiceUnavailable, "The server cannot answer now"}
	case privacy.CodeInternal:
	}
	return kind{http.StatusInternalServerError, "The server failed"}
}

// typeOf names a code as a problem's type.
func typeOf(code privacy.Code) string { return "/problems/" + string(code) }

// Failure shows to callers why a job of theirs failed.
func Failure(code privacy.Code, message string) *wire.Problem {
	k := kindOf(code)
	return &wire.Problem{Type: typeOf(code), Title: k.title, Status: k.status, Detail: wire.Optional(message)}
}
