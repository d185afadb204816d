package remote

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/screen"
)

// QueryError is an error about a query, which it can point into.
type QueryError struct {
	SQL string
	Err error
}

// Error implements error.
func (e *QueryError) Error() string { return e.Err.Error() }

// Unwrap returns the error itself.
func (e *QueryError) Unwrap() error { return e.Err }

// Explain renders an error for people: what happened, where, and what to
// do about it.
func Explain(err error) string {
	if p, ok := wire.AsProblem(err); ok {
		var q *QueryError
		if !errors.As(err, &q) {
			q = &QueryError{}
		}
		return explainProblem(p, q.SQL)
	}
	var u *url.Error
	switch {
	case !errors.As(err, &u):
		return err.Error()
	case errors.Is(err, context.Canceled):
		return "interrupted before the server had answered"
	}
	return fmt.Sprintf("cannot reach the server: %s\nIs it running, and is NOISED_URL or --url right?", u.Err)
}

func explainProblem(p *wire.ProblemError, sql string) string {
	if p.Type == "about:blank" {
		return fmt.Sprintf("the server answered %d %s, not as a noised server would: check NOISED_URL or --url", p.Status, p.Title)
	}
	var b strings.Builder
	what := Value(p.Detail)
	if what == "" {
		what = p.Title
	}
	fmt.Fprintf(&b, "%s [%s]\n", what, p.Code())
	if at := Value(p.Position); at > 0 && sql != "" {
		b.WriteString(pointAt(sql, at))
	}
	for _, e := range p.Errors {
		where := Value(e.Field)
		if line := Value(e.Line); line > 0 {
			where = strings.TrimSpace(fmt.Sprintf("line %d %s", line, where))
		}
		if where != "" {
			where += ": "
		}
		fmt.Fprintf(&b, "  %s%s\n", where, e.Message)
	}
	if s := Value(p.Suggestion); s != "" {
		fmt.Fprintf(&b, "  instead: %s\n", s)
	}
	if p.RetryAfter > 0 {
		fmt.Fprintf(&b, "  try again in %s\n", p.RetryAfter)
	}
	switch p.Code() {
	case "unauthenticated":
		b.WriteString("  check NOISED_KEY or --key-file: the key may be mistyped, expired or revoked\n")
	case "internal":
		fmt.Fprintf(&b, "  the operator finds the cause in the log under %s\n", Value(p.Instance))
	}
	return b.String()
}

// pointAt shows the line of a text that holds its position-th character, with
// a mark below it.
func pointAt(text string, position int) string {
	before := []rune(text)[:min(position-1, utf8.RuneCountInString(text))]
	lineStart := 0
	for i, r := range before {
		if r == '\n' {
			lineStart = i + 1
		}
	}
	line, _, _ := strings.Cut(string([]rune(text)[lineStart:]), "\n")
	var pad strings.Builder // as wide as what is before the place, tabs for tabs
	for i, part := range strings.Split(string(before[lineStart:]), "\t") {
		if i > 0 {
			pad.WriteByte('\t')
		}
		pad.WriteString(strings.Repeat(" ", screen.DisplayWidth(part)))
	}
	return fmt.Sprintf("  %s\n  %s^\n", line, pad.String())
}
