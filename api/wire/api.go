package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Media types of results and uploads.
const (
	TypeArrow       = "application/vnd.apache.arrow.stream"
	TypeCSV         = "text/csv"
	TypeJSON        = "application/json"
	TypeNDJSON      = "application/x-ndjson"
	TypeParquet     = "application/vnd.apache.parquet"
	TypeYAML        = "application/yaml"
	TypeProblem     = "application/problem+json"
	TypeReleaseInfo = "application/vnd.noised.release+json"
)

// Response headers of a result, and the request header that makes a POST safe
// to repeat.
const (
	HeaderRelease        = "Noised-Release"
	HeaderEpsilon        = "Noised-Epsilon"
	HeaderDelta          = "Noised-Delta"
	HeaderCached         = "Noised-Cached"
	HeaderPolicy         = "Noised-Policy"
	HeaderIdempotencyKey = "Idempotency-Key"
	HeaderRole           = "Noised-Role" // the role that a caller with several acts in
)

// maxAnswer bounds what the client reads of a JSON answer.
const maxAnswer = 64 << 20

// API calls a noised server as one principal. It is safe for concurrent use.
// Its methods return a *ProblemError when the server refused.
type API struct {
	client *Client
}

// New returns a client of the server at baseURL, e.g. "http://127.0.0.1:8080",
// that authenticates with key. A nil httpClient means http.DefaultClient.
func New(baseURL, key string, httpClient *http.Client) (*API, error) {
	u, err := url.Parse(baseURL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("%q is not the URL of a server, e.g. http://127.0.0.1:8080", baseURL)
	}
	if httpClient == nil {
		httpClient = http.DefaultClient
	}
	authorize := func(_ context.Context, r *http.Request) error {
		if key != "" {
			r.Header.Set("Authorization", "Bearer "+key)
		}
		return nil
	}
	client, err := NewClient(strings.TrimSuffix(baseURL, "/v1"), WithHTTPClient(httpClient), WithRequestEditorFn(authorize))
	if err != nil {
		return nil, err
	}
	return &API{client: client}, nil
}

// Calls returns the generated client beneath, for calls that API does not wrap.
func (a *API) Calls() *Client { return a.client }

// ProblemError is a refusal by the server.
type ProblemError struct {
	Problem
	RetryAfter time.Duration // 0 when the server did not say
}

// Code returns the kind of refusal, e.g. "budget-exhausted".
func (e *ProblemError) Code() string { return strings.TrimPrefix(e.Type, "/problems/") }

// Error implements error: code, detail, position and suggestion on one line.
func (e *ProblemError) Error() string {
	var b strings.Builder
	b.WriteString(e.Code())
	if e.Detail != nil {
		fmt.Fprintf(&b, ": %s", *e.Detail)
	}
	if e.Position != nil {
		fmt.Fprintf(&b, " (at character %d)", *e.Position)
	}
	if e.Suggestion != nil {
		fmt.Fprintf(&b, "; %s", *e.Suggestion)
	}
	for _, p := range e.Errors {
		b.WriteString("\n  ")
		if p.Line != nil {
			fmt.Fprintf(&b, "line %d: ", *p.Line)
		}
		b.WriteString(p.Message)
	}
	return b.String()
}

// AsProblem returns the refusal in err's chain, if there is one.
func AsProblem(err error) (*ProblemError, bool) {
	var p *ProblemError
	return p, errors.As(err, &p)
}

// succeed returns res when the call succeeded and a *ProblemError when the
// server refused; then the body is read and closed.
func succeed(res *http.Response, err error) (*http.Response, error) {
	if err != nil {
		return nil, err
	}
	if res.StatusCode < 300 {
		return res, nil
	}
	defer func() { _ = res.Body.Close() }()
	p := &ProblemError{}
	if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil {
		p.RetryAfter = time.Duration(s) * time.Second
	}
	mediaType, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if mediaType != TypeProblem || json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(&p.Problem) != nil {
		p.Problem = Problem{Type: "about:blank", Title: http.StatusText(res.StatusCode), Status: res.StatusCode}
	}
	return nil, p
}

// decode reads the JSON answer of a call.
func decode[T any](res *http.Response, err error) (T, error) {
	var v T
	res, err = succeed(res, err)
	if err != nil {
		return v, err
	}
	defer func() { _ = res.Body.Close() }()
	if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(&v); err != nil {
		return v, fmt.Errorf("reading the server's answer: %w", err)
	}
	return v, nil
}

// done finishes a call without an answer.
func done(res *http.Response, err error) error {
	res, err = succeed(res, err)
	if err != nil {
		return err
	}
	return res.Body.Close()
}
