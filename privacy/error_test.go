package privacy

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

func TestAsError(t *testing.T) {
	known := Errorf(CodeConflict, "version %d exists", 2)
	tests := []struct {
		name string
		err  error
		code Code
		safe string
	}{
		{"nil", nil, "", ""},
		{"ours", known, CodeConflict, "version 2 exists"},
		{"wrapped", fmt.Errorf("apply: %w", known), CodeConflict, "version 2 exists"},
		{"unknown", io.ErrUnexpectedEOF, CodeInternal, "internal error"},
		{"internal", Internal(io.EOF, "reading segment"), CodeInternal, "internal error"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := CodeOf(tt.err); got != tt.code {
				t.Errorf("code %q, want %q", got, tt.code)
			}
			e := AsError(tt.err)
			if (e == nil) != (tt.err == nil) || e != nil && e.Message != tt.safe {
				t.Errorf("AsError = %v", e)
			}
		})
	}
}

// TestCauseIsForTheLog: the cause shows in Error, never in Message, and is found
// by errors.Is.
func TestCauseIsForTheLog(t *testing.T) {
	secret := errors.New("value 42 of row 7")
	for _, e := range []*Error{Internal(secret, "cast"), Errorf(CodeUnavailable, "try again").Because(secret)} {
		if strings.Contains(e.Message, "42") || !strings.Contains(e.Error(), "42") || !errors.Is(e, secret) {
			t.Errorf("message %q, error %q", e.Message, e.Error())
		}
	}
}

// TestDecorationCopies: adding to an error leaves the original alone.
func TestDecorationCopies(t *testing.T) {
	plain := Errorf(CodeSQLSyntax, "unexpected token")
	full := plain.At(7).Suggest("use %s", "COUNT(*)").Because(io.EOF)
	if plain.Position != 0 || plain.Suggestion != "" || plain.Cause != nil {
		t.Errorf("the original became %+v", plain)
	}
	if full.Position != 7 || full.Suggestion != "use COUNT(*)" || full.Cause != io.EOF || full.Code != CodeSQLSyntax {
		t.Errorf("got %+v", full)
	}
	if plain.Error() != "sql-syntax: unexpected token" {
		t.Errorf("prints %q", plain.Error())
	}
}
