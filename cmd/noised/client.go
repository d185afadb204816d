package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/noised/noised/api/wire"
)

const defaultURL = "http://127.0.0.1:8080"

// connect returns a client for the server and the key that flags and
// environment name.
func (a *app) connect() (*wire.API, error) {
	key := a.getenv("NOISED_KEY")
	if a.keyFile != "" {
		b, err := os.ReadFile(a.keyFile)
		if err != nil {
			return nil, fmt.Errorf("cannot read the key file: %w", err)
		}
		key = strings.TrimSpace(string(b))
	}
	if key == "" {
		return nil, usagef("no API key: set NOISED_KEY or give --key-file")
	}
	server := a.url
	if server == "" {
		server = a.getenv("NOISED_URL")
	}
	if server == "" {
		server = defaultURL
	}
	var transport *http.Client
	if role := a.getenv("NOISED_ROLE"); role != "" {
		transport = &http.Client{Transport: asRole{role}}
	}
	c, err := wire.New(server, key, transport)
	if err != nil {
		return nil, usagef("%s", err)
	}
	return c, nil
}

// asRole names the role that a caller with several acts in.
type asRole struct{ role string }

// RoundTrip implements http.RoundTripper.
func (a asRole) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set(wire.HeaderRole, a.role)
	return http.DefaultTransport.RoundTrip(r)
}

// queryError is an error about a query, which it can point into.
type queryError struct {
	sql string
	err error
}

func (e *queryError) Error() string { return e.err.Error() }
func (e *queryError) Unwrap() error { return e.err }

// explainError renders an error for people: what happened, where, and what to
// do about it.
func explainError(err error) string {
	if p, ok := wire.AsProblem(err); ok {
		var q *queryError
		if !errors.As(err, &q) {
			q = &queryError{}
		}
		return explainProblem(p, q.sql)
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
	what := value(p.Detail)
	if what == "" {
		what = p.Title
	}
	fmt.Fprintf(&b, "%s [%s]\n", what, p.Code())
	if at := value(p.Position); at > 0 && sql != "" {
		b.WriteString(pointAt(sql, at))
	}
	for _, e := range p.Errors {
		where := value(e.Field)
		if line := value(e.Line); line > 0 {
			where = strings.TrimSpace(fmt.Sprintf("line %d %s", line, where))
		}
		if where != "" {
			where += ": "
		}
		fmt.Fprintf(&b, "  %s%s\n", where, e.Message)
	}
	if s := value(p.Suggestion); s != "" {
		fmt.Fprintf(&b, "  instead: %s\n", s)
	}
	if p.RetryAfter > 0 {
		fmt.Fprintf(&b, "  try again in %s\n", p.RetryAfter)
	}
	switch p.Code() {
	case "unauthenticated":
		b.WriteString("  check NOISED_KEY or --key-file: the key may be mistyped, expired or revoked\n")
	case "internal":
		fmt.Fprintf(&b, "  the operator finds the cause in the log under %s\n", value(p.Instance))
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
		pad.WriteString(strings.Repeat(" ", displayWidth(part)))
	}
	return fmt.Sprintf("  %s\n  %s^\n", line, pad.String())
}

// value returns what an optional member holds, or its zero value.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// optional returns nil for a zero value, so that it is left out of a request.
func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
