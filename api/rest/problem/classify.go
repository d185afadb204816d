package problem

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v5"

	"github.com/noised/noised/privacy"
)

// BodyError says that a body could not be read to its end.
type BodyError struct{ Cause error }

// Error implements error.
func (e *BodyError) Error() string { return "read body: " + e.Cause.Error() }

// Unwrap returns why.
func (e *BodyError) Unwrap() error { return e.Cause }

// LockedOut is the cause of a refusal to authenticate a caller: how long it has to
// wait.
type LockedOut struct{ Wait time.Duration }

// Error implements error.
func (l *LockedOut) Error() string { return fmt.Sprintf("locked out for %s", l.Wait) }

// classify returns err as a *privacy.Error. Errors of the HTTP machinery get
// the code that they stand for; whatever else is unknown is internal.
func classify(err error) *privacy.Error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return privacy.Errorf(privacy.CodeTooLarge, "the body exceeds %d bytes", tooLarge.Limit)
	}
	var broken *BodyError
	if errors.As(err, &broken) {
		return privacy.Errorf(privacy.CodeInvalidRequest, "the body ended early").Because(err)
	}
	var known *privacy.Error
	if errors.As(err, &known) && known.Code != privacy.CodeInternal {
		return known
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return privacy.Errorf(privacy.CodeUnavailable, "the answer was not ready in time").Because(err)
	}
	if known != nil {
		return known
	}
	switch echo.StatusCode(err) {
	case http.StatusNotFound:
		return privacy.Errorf(privacy.CodeNotFound, "there is no such path")
	case http.StatusBadRequest:
		return privacy.Errorf(privacy.CodeInvalidRequest, "the request cannot be read").Because(err)
	}
	return privacy.AsError(err)
}
