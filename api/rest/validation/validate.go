package validation

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"

	"github.com/noised/noised/api/rest/operation"
	"github.com/noised/noised/api/rest/problem"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
)

// Check holds a request against the document, so that handlers see only what the
// document describes. An upload is left unread; every other body is read here,
// once, and returned. params are what the path names.
func Check(w http.ResponseWriter, r *http.Request, op *operation.Operation, params map[string]string) (body []byte, err error) {
	query, err := checkQuery(r.URL.RawQuery, op.Query)
	if err != nil {
		return nil, err
	}
	for _, name := range op.JSON {
		if text, given := query[name]; given {
			if err := checkJSON("the query parameter "+name, []byte(text[0])); err != nil {
				return nil, err
			}
		}
	}
	if len(op.Consumes) > 0 && !op.Upload {
		if body, err = readBody(w, r, op); err != nil {
			return nil, err
		}
	}
	input := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, QueryParams: query, Route: op.Route,
		Options: &openapi3filter.Options{
			ExcludeRequestBody:  op.Raw,
			SkipSettingDefaults: true,
			KeepValidatedValue:  true, // the handler gets exactly what was checked
		},
	}
	if err := openapi3filter.ValidateRequest(r.Context(), input); err != nil {
		return nil, invalid(err, query)
	}
	return body, nil
}

// checkQuery refuses query parameters that the operation does not have: a
// mistyped epsilon must not be taken for the default.
func checkQuery(raw string, known map[string]bool) (url.Values, error) {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return nil, privacy.Errorf(privacy.CodeInvalidRequest, "the query string cannot be read")
	}
	for name, values := range query {
		repeats, ok := known[name]
		if !ok {
			return nil, privacy.Errorf(privacy.CodeInvalidRequest, "the query parameter %q is not known here", name)
		}
		if len(values) > 1 && !repeats {
			return nil, privacy.Errorf(privacy.CodeInvalidRequest, "the query parameter %q is given more than once", name)
		}
	}
	return query, nil
}

// readBody reads a small body and leaves it readable for the handler.
func readBody(w http.ResponseWriter, r *http.Request, op *operation.Operation) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, op.MaxBody))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, err
		}
		return nil, &problem.BodyError{Cause: err}
	}
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); !op.Raw && media == wire.TypeJSON {
		if err := checkJSON("the body", body); err != nil {
			return nil, err
		}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	return body, nil
}

// invalid says in one line what the validator found, and where. A loss that no
// float64 holds is a privacy parameter out of range like any other.
func invalid(err error, query url.Values) error {
	var request *openapi3filter.RequestError
	if !errors.As(err, &request) {
		return privacy.Errorf(privacy.CodeInvalidRequest, "the request does not match the document").Because(err)
	}
	where, name, value := "the body", "", ""
	if p := request.Parameter; p != nil {
		where, name = fmt.Sprintf("the %s parameter %q", p.In, p.Name), p.Name
		value = query.Get(p.Name)
	}
	why := request.Reason
	var schema *openapi3.SchemaError
	var parse *openapi3filter.ParseError
	switch {
	case errors.As(err, &schema):
		if path := schema.JSONPointer(); len(path) > 0 {
			where += ", at " + strconv.Quote(strings.Join(path, ".")) + ","
			name, value = path[len(path)-1], fmt.Sprint(schema.Value)
		}
		why = inWords(schema)
	case errors.As(err, &parse):
		why = parse.Reason
	}
	if (name == "epsilon" || name == "delta") && notFinite(value) {
		return privacy.Errorf(privacy.CodePrivacyParameters, "%s must be a finite number", name)
	}
	if why == "" {
		why = "it cannot be read"
	}
	return privacy.Errorf(privacy.CodeInvalidRequest, "%s is not valid: %s", where, why).Because(err)
}

// inWords says which rule a value broke. The validator would quote the regular
// expression of a pattern or a format: people are told what to write.
func inWords(broken *openapi3.SchemaError) string {
	switch rule := broken.Schema; {
	case broken.SchemaField == "pattern" && rule != nil && rule.Pattern == namePattern:
		return "use " + privacy.NameRule
	case broken.SchemaField == "format" && rule != nil && rule.Format == "date-time":
		return "use a time with its zone, such as 2026-05-31T09:30:00Z"
	case broken.SchemaField == "nullable":
		return "null is no value: leave it out"
	}
	return broken.Reason
}

// namePattern is the document's pattern of names.
const namePattern = `^[a-z][a-z0-9_-]{0,62}$`

// notFinite reports whether a text is a number that float64 does not hold.
func notFinite(text string) bool {
	f, err := strconv.ParseFloat(text, 64)
	return errors.Is(err, strconv.ErrRange) || err == nil && (math.IsNaN(f) || math.IsInf(f, 0))
}
