package resttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3filter"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
)

// Ask is one request. Fields that are empty are left out.
type Ask struct {
	Method, Path, Key, Body string
	Header                  map[string]string
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do sends a request.
func (h *Harness) Do(a Ask) Answer {
	h.T.Helper()
	req, err := http.NewRequest(a.Method, h.URL+a.Path, strings.NewReader(a.Body))
	if err != nil {
		h.T.Fatal(err)
	}
	if a.Key != "" {
		req.Header.Set("Authorization", "Bearer "+a.Key)
	}
	if a.Body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range a.Header {
		req.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		h.T.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		h.T.Fatal(err)
	}
	h.check(req, res, body)
	return Answer{res.StatusCode, res.Header, body}
}

// check holds an answer against the document.
func (h *Harness) check(req *http.Request, res *http.Response, body []byte) {
	h.T.Helper()
	route, params, err := h.router.FindRoute(req)
	if err != nil || req.Method == http.MethodHead {
		return // the document says nothing of it
	}
	in := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route},
		Status:                 res.StatusCode, Header: res.Header, Body: io.NopCloser(bytes.NewReader(body)),
	}
	if err := openapi3filter.ValidateResponse(h.T.Context(), in); err != nil {
		h.T.Errorf("%s %s answered %d outside the document: %v\n%s", req.Method, req.URL.Path, res.StatusCode, err, body)
	}
}

// Code returns the code of a problem.
func (a Answer) Code() privacy.Code {
	var p wire.Problem
	if a.Header.Get("Content-Type") != wire.TypeProblem || json.Unmarshal(a.Body, &p) != nil {
		return ""
	}
	return privacy.Code(strings.TrimPrefix(p.Type, "/problems/"))
}

// String shows status and body.
func (a Answer) String() string { return fmt.Sprintf("%d %s", a.Status, a.Body) }

// Into decodes a JSON answer.
func Into[T any](t *testing.T, a Answer) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(a.Body, &v); err != nil {
		t.Fatalf("%v: %s", err, a)
	}
	return v
}

// Contract is a contract that holds.
func Contract(t *testing.T) string {
	t.Helper()
	dir := "."
	for range 5 { // from a package's folder up to the module's
		if text, err := os.ReadFile(filepath.Join(dir, "testdata", "insteval.yaml")); err == nil {
			return string(text)
		}
		dir = filepath.Join(dir, "..")
	}
	t.Fatal("there is no testdata/insteval.yaml above this package")
	return ""
}

// Once is the header of a POST that may be repeated.
func Once(key string) map[string]string { return map[string]string{"Idempotency-Key": key} }
