package command

import (
	"fmt"
)

// Exit codes.
const (
	ExitOK      = 0
	ExitFailure = 1 // of what the program was asked to do
	ExitUsage   = 2 // in how it was called
)

// UsageError is a mistake in how the program was called, as opposed to a
// failure of what it was asked to do.
type UsageError struct{ Msg string }

// Error implements error.
func (e *UsageError) Error() string { return e.Msg }

// Usagef returns a usageError.
func Usagef(format string, args ...any) error {
	return &UsageError{Msg: fmt.Sprintf(format, args...)}
}

// ExitError ends the program with a code after everything has been said.
type ExitError struct{ Code int }

// Error implements error.
func (e *ExitError) Error() string { return fmt.Sprintf("exit %d", e.Code) }
