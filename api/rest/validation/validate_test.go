package validation_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/noised/noised/api/rest/operation"
	"github.com/noised/noised/api/rest/resttest"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
)

func TestRequestsOutsideTheDocumentAreRefused(t *testing.T) {
	h := resttest.New(t)
	analyst, operator := h.Secret[privacy.RoleAnalyst], h.Secret[privacy.RoleOperator]
	for name, a := range map[string]resttest.Ask{
		"unknown member":             {Body: `{"sql": "x", "precision": 0.1}`},
		"unknown kind of accuracy":   {Body: `{"sql": "x", "accuracy": {"relativ": 0.1}}`},
		"accuracy that is no object": {Body: `{"sql": "x", "accuracy": 0.1}`},
		"member in other case":       {Body: `{"SQL": "x"}`},
		"missing member":             {Body: `{}`},
		"wrong type":                 {Body: `{"sql": 5}`},
		"null":                       {Body: `{"sql": "x", "epsilon": null}`},
		"NaN":                        {Body: `{"sql": "x", "epsilon": NaN}`},
		"number beyond float64":      {Body: `{"sql": "x", "bounds": {"rating": [1, 1e400]}}`},
		"integer beyond int64":       {Body: `{"sql": "x", "bounds": {"max_partitions": 9223372036854775808}}`},
		"fraction for an integer":    {Body: `{"sql": "x", "bounds": {"max_partitions": 1.5}}`},
		"interval of three":          {Body: `{"sql": "x", "bounds": {"rating": [1, 2, 3]}}`},
		"unknown choice":             {Body: `{"sql": "x", "on_exhausted": "ignore"}`},
		"no tenants":                 {Body: `{"sql": "x", "tenants": []}`},
		"measures without end":       {Body: `{"sql": "x", "bounds": ` + manyBounds(503) + `}`},
		"member twice":               {Body: `{"sql": "x", "epsilon": 0.1, "epsilon": 5}`},
		"member twice in bounds":     {Body: `{"sql": "x", "bounds": {"rating": [1, 2], "rating": [1, 5]}}`},
		"member twice in the URL":    {Method: "GET", Path: "/v1/query?sql=x&bounds=" + url.QueryEscape(`{"rating": [1, 2], "rating": [1, 5]}`)},
		"member in capitals":         {Body: `{"sql": "x", "Epsilon": 5}`},
		"levels without end":         {Body: `{"sql": "x", "bounds": ` + strings.Repeat(`{"a":`, 10_000) + `1` + strings.Repeat("}", 10_000) + `}`},
		"no UTF-8":                   {Body: "{\"sql\": \"SELECT '\xff'\"}"},
		"expected_n beyond int64":    {Body: `{"sql": "x", "accuracy": {"relative": 0.1, "expected_n": 9223372036854775808}}`},
		"two values":                 {Body: `{"sql": "x"} {"sql": "y"}`},
		"cut off":                    {Body: `{"sql": "x"`},
		"not an object":              {Body: `"x"`},
		"nothing":                    {Body: " "},
		"query parameter on POST":    {Path: "/v1/query?epsilon=1", Body: `{"sql": "x"}`},
		"empty Idempotency-Key":      {Body: `{"sql": "x"}`, Header: map[string]string{"Idempotency-Key": strings.Repeat("k", 256)}},
		"unknown query parameter":    {Method: "GET", Path: "/v1/query?sql=x&espilon=0.1"},
		"parameter twice":            {Method: "GET", Path: "/v1/query?sql=x&epsilon=0.1&epsilon=5"},
		"no sql":                     {Method: "GET", Path: "/v1/query?epsilon=0.1"},
		"number that is none":        {Method: "GET", Path: "/v1/query?sql=x&epsilon=much"},
		"bounds that are no JSON":    {Method: "GET", Path: "/v1/query?sql=x&bounds=%7B"},
		"bounds of the wrong form":   {Method: "GET", Path: "/v1/query?sql=x&bounds=" + url.QueryEscape(`{"rating": 3}`)},
		"broken query string":        {Method: "GET", Path: "/v1/query?sql=%zz"},
		"page too large":             {Method: "GET", Path: "/v1/releases?limit=501"},
		"tenant name":                {Path: "/v1/admin/tenants", Key: operator, Body: `{"name": "A b"}`},
		"unknown role":               {Path: "/v1/admin/keys", Key: operator, Body: `{"role": "root"}`},
		"time that is none":          {Path: "/v1/admin/keys", Key: operator, Body: `{"role": "analyst", "expires_at": "soon"}`},
		"unknown window":             {Method: "PUT", Path: "/v1/admin/tenants/a/budget", Key: h.Secret[privacy.RoleBudgetAdmin], Body: `{"epsilon": 1, "delta": 1e-6, "window": "year"}`},
		"cap under a name that none": {Method: "PUT", Path: "/v1/admin/tenants/a/budget", Key: h.Secret[privacy.RoleBudgetAdmin], Body: `{"epsilon": 1, "delta": 1e-6, "per_dataset": {"A/b": {"epsilon": 1, "delta": 1e-6}}}`},
	} {
		if a.Method == "" {
			a.Method = "POST"
		}
		if a.Path == "" {
			a.Path = "/v1/query"
		}
		if a.Key == "" {
			a.Key = analyst
		}
		if got := h.Do(a); got.Status != 400 || got.Code() != privacy.CodeInvalidRequest {
			t.Errorf("%s: %s, want invalid-request", name, got)
		}
	}
	if n := h.Queries.Count(); n != 0 {
		t.Errorf("%d queries ran", n)
	}
}

// TestRulesAreToldInWords: no refusal quotes a regular expression.
func TestRulesAreToldInWords(t *testing.T) {
	h := resttest.New(t)
	operator, analyst := h.Secret[privacy.RoleOperator], h.Secret[privacy.RoleAnalyst]
	for _, c := range []struct{ path, key, body, want string }{
		{"/v1/admin/tenants", operator, `{"name": "A b"}`, `the body, at "name", is not valid: use a lower-case letter, then up to 62 of a-z, 0-9, '_' and '-'`},
		{"/v1/admin/keys", operator, `{"role": "analyst", "group": "A b"}`, `the body, at "group", is not valid: use a lower-case letter, then up to 62 of a-z, 0-9, '_' and '-'`},
		{"/v1/admin/keys", operator, `{"role": "analyst", "expires_at": "soon"}`, `the body, at "expires_at", is not valid: use a time with its zone, such as 2026-05-31T09:30:00Z`},
		{"/v1/query", analyst, `{"sql": "x", "epsilon": null}`, `the body, at "epsilon", is not valid: null is no value: leave it out`},
	} {
		if got := h.Do(resttest.Ask{Method: "POST", Path: c.path, Key: c.key, Body: c.body}); wire.ValueOf(resttest.Into[wire.Problem](t, got).Detail) != c.want {
			t.Errorf("%s: %s, want %s", c.body, got, c.want)
		}
	}
}

func TestPrivacyParametersAreNotTheDocumentsBusiness(t *testing.T) {
	h := resttest.New(t)
	for _, body := range []string{`{"sql": "x", "epsilon": 0}`, `{"sql": "x", "epsilon": -1}`, `{"sql": "x", "epsilon": 1e-320}`, `{"sql": "x", "delta": 2}`, `{"sql": "x", "epsilon": 800, "bounds": {"max_partitions": -3}}`} {
		if got := h.Do(resttest.Ask{Method: "POST", Path: "/v1/query", Key: h.Secret[privacy.RoleAnalyst], Body: body}); got.Status != 200 {
			t.Errorf("%s was refused before the planner saw it: %s", body, got)
		}
	}
	asked := h.Queries.Count()
	for _, a := range []resttest.Ask{
		{Method: "POST", Path: "/v1/query", Body: `{"sql": "x", "epsilon": 1e400}`},
		{Method: "POST", Path: "/v1/explain", Body: `{"sql": "x", "delta": 1e400}`},
		{Method: "GET", Path: "/v1/query?sql=x&epsilon=NaN"},
		{Method: "GET", Path: "/v1/query?sql=x&epsilon=1e400"},
		{Method: "GET", Path: "/v1/query?sql=x&delta=Inf"},
	} {
		a.Key = h.Secret[privacy.RoleAnalyst]
		if got := h.Do(a); got.Code() != privacy.CodePrivacyParameters || h.Queries.Count() != asked {
			t.Errorf("%s %s: %s, want privacy-parameters", a.Path, a.Body, got)
		}
	}
	for _, body := range []string{`{"epsilon": 0, "delta": 1e-6}`, `{"epsilon": 1e400, "delta": 1e-6}`, `{"epsilon": 1, "delta": 1}`, `{"epsilon": 1, "delta": 1e-6, "lifetime": {"epsilon": -1, "delta": 0}}`,
		`{"epsilon": 1, "delta": 1e-6, "per_dataset": {"d": {"epsilon": 0, "delta": 0}}}`} {
		if got := h.Do(resttest.Ask{Method: "PUT", Path: "/v1/admin/tenants/a/budget", Key: h.Secret[privacy.RoleBudgetAdmin], Body: body}); got.Code() != privacy.CodePrivacyParameters {
			t.Errorf("%s: %s, want privacy-parameters", body, got)
		}
	}
	if got := h.Do(resttest.Ask{Method: "GET", Path: "/v1/admin/tenants/a/budget", Key: h.Secret[privacy.RoleBudgetAdmin]}); got.Code() != privacy.CodeNotFound {
		t.Errorf("a refused budget was set: %s", got)
	}
}

func TestSmallBodiesAreBounded(t *testing.T) {
	h := resttest.New(t)
	body := `{"sql": "` + strings.Repeat("x", operation.MaxQuery) + `"}`
	if got := h.Do(resttest.Ask{Method: "POST", Path: "/v1/query", Key: h.Secret[privacy.RoleAnalyst], Body: body}); got.Status != 413 || got.Code() != privacy.CodeTooLarge {
		t.Errorf("%s, want too-large", got)
	}
}

// manyBounds is bounds of n measures.
func manyBounds(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `, "c%d": [1, 2]`, i)
	}
	return "{" + b.String()[2:] + "}"
}
