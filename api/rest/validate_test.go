package rest

import (
	"fmt"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/api"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
)

func ptr[T any](v T) *T { return &v }

func TestRequestsOutsideTheDocumentAreRefused(t *testing.T) {
	h := newHarness(t)
	analyst, operator := h.secret[privacy.RoleAnalyst], h.secret[privacy.RoleOperator]
	for name, a := range map[string]ask{
		"unknown member":             {body: `{"sql": "x", "precision": 0.1}`},
		"unknown kind of accuracy":   {body: `{"sql": "x", "accuracy": {"relativ": 0.1}}`},
		"accuracy that is no object": {body: `{"sql": "x", "accuracy": 0.1}`},
		"member in other case":       {body: `{"SQL": "x"}`},
		"missing member":             {body: `{}`},
		"wrong type":                 {body: `{"sql": 5}`},
		"null":                       {body: `{"sql": "x", "epsilon": null}`},
		"NaN":                        {body: `{"sql": "x", "epsilon": NaN}`},
		"number beyond float64":      {body: `{"sql": "x", "bounds": {"rating": [1, 1e400]}}`},
		"integer beyond int64":       {body: `{"sql": "x", "bounds": {"max_partitions": 9223372036854775808}}`},
		"fraction for an integer":    {body: `{"sql": "x", "bounds": {"max_partitions": 1.5}}`},
		"interval of three":          {body: `{"sql": "x", "bounds": {"rating": [1, 2, 3]}}`},
		"unknown choice":             {body: `{"sql": "x", "on_exhausted": "ignore"}`},
		"no tenants":                 {body: `{"sql": "x", "tenants": []}`},
		"measures without end":       {body: `{"sql": "x", "bounds": ` + manyBounds(503) + `}`},
		"member twice":               {body: `{"sql": "x", "epsilon": 0.1, "epsilon": 5}`},
		"member twice in bounds":     {body: `{"sql": "x", "bounds": {"rating": [1, 2], "rating": [1, 5]}}`},
		"member twice in the URL":    {method: "GET", path: "/v1/query?sql=x&bounds=" + url.QueryEscape(`{"rating": [1, 2], "rating": [1, 5]}`)},
		"member in capitals":         {body: `{"sql": "x", "Epsilon": 5}`},
		"levels without end":         {body: `{"sql": "x", "bounds": ` + strings.Repeat(`{"a":`, 10_000) + `1` + strings.Repeat("}", 10_000) + `}`},
		"no UTF-8":                   {body: "{\"sql\": \"SELECT '\xff'\"}"},
		"expected_n beyond int64":    {body: `{"sql": "x", "accuracy": {"relative": 0.1, "expected_n": 9223372036854775808}}`},
		"two values":                 {body: `{"sql": "x"} {"sql": "y"}`},
		"cut off":                    {body: `{"sql": "x"`},
		"not an object":              {body: `"x"`},
		"nothing":                    {body: " "},
		"query parameter on POST":    {path: "/v1/query?epsilon=1", body: `{"sql": "x"}`},
		"empty Idempotency-Key":      {body: `{"sql": "x"}`, header: map[string]string{"Idempotency-Key": strings.Repeat("k", 256)}},
		"unknown query parameter":    {method: "GET", path: "/v1/query?sql=x&espilon=0.1"},
		"parameter twice":            {method: "GET", path: "/v1/query?sql=x&epsilon=0.1&epsilon=5"},
		"no sql":                     {method: "GET", path: "/v1/query?epsilon=0.1"},
		"number that is none":        {method: "GET", path: "/v1/query?sql=x&epsilon=much"},
		"bounds that are no JSON":    {method: "GET", path: "/v1/query?sql=x&bounds=%7B"},
		"bounds of the wrong form":   {method: "GET", path: "/v1/query?sql=x&bounds=" + url.QueryEscape(`{"rating": 3}`)},
		"broken query string":        {method: "GET", path: "/v1/query?sql=%zz"},
		"page too large":             {method: "GET", path: "/v1/releases?limit=501"},
		"tenant name":                {path: "/v1/admin/tenants", key: operator, body: `{"name": "A b"}`},
		"unknown role":               {path: "/v1/admin/keys", key: operator, body: `{"role": "root"}`},
		"time that is none":          {path: "/v1/admin/keys", key: operator, body: `{"role": "analyst", "expires_at": "soon"}`},
		"unknown window":             {method: "PUT", path: "/v1/admin/tenants/a/budget", key: h.secret[privacy.RoleBudgetAdmin], body: `{"epsilon": 1, "delta": 1e-6, "window": "year"}`},
		"cap under a name that none": {method: "PUT", path: "/v1/admin/tenants/a/budget", key: h.secret[privacy.RoleBudgetAdmin], body: `{"epsilon": 1, "delta": 1e-6, "per_dataset": {"A/b": {"epsilon": 1, "delta": 1e-6}}}`},
	} {
		if a.method == "" {
			a.method = "POST"
		}
		if a.path == "" {
			a.path = "/v1/query"
		}
		if a.key == "" {
			a.key = analyst
		}
		if got := h.do(a); got.status != 400 || got.code() != privacy.CodeInvalidRequest {
			t.Errorf("%s: %s, want invalid-request", name, got)
		}
	}
	if n := h.queries.count(); n != 0 {
		t.Errorf("%d queries ran", n)
	}
}

// TestRulesAreToldInWords: no refusal quotes a regular expression. Every pattern
// and format of a text in the document has its words.
func TestRulesAreToldInWords(t *testing.T) {
	h := newHarness(t)
	operator, analyst := h.secret[privacy.RoleOperator], h.secret[privacy.RoleAnalyst]
	for _, c := range []struct{ path, key, body, want string }{
		{"/v1/admin/tenants", operator, `{"name": "A b"}`, `the body, at "name", is not valid: use a lower-case letter, then up to 62 of a-z, 0-9, '_' and '-'`},
		{"/v1/admin/keys", operator, `{"role": "analyst", "group": "A b"}`, `the body, at "group", is not valid: use a lower-case letter, then up to 62 of a-z, 0-9, '_' and '-'`},
		{"/v1/admin/keys", operator, `{"role": "analyst", "expires_at": "soon"}`, `the body, at "expires_at", is not valid: use a time with its zone, such as 2026-05-31T09:30:00Z`},
		{"/v1/query", analyst, `{"sql": "x", "epsilon": null}`, `the body, at "epsilon", is not valid: null is no value: leave it out`},
	} {
		if got := h.do(ask{method: "POST", path: c.path, key: c.key, body: c.body}); valueOf(into[wire.Problem](t, got).Detail) != c.want {
			t.Errorf("%s: %s, want %s", c.body, got, c.want)
		}
	}
	for _, rule := range regexp.MustCompile(`pattern: "(.*?)"`).FindAllStringSubmatch(string(api.Document), -1) {
		if rule[1] != namePattern {
			t.Errorf("no words explain the pattern %s", rule[1])
		}
	}
	known := []string{"double", "int32", "int64", "binary", "date-time"}
	for _, rule := range regexp.MustCompile(`format: ([a-z0-9-]+)[,}]`).FindAllStringSubmatch(string(api.Document), -1) {
		if !slices.Contains(known, rule[1]) {
			t.Errorf("no words explain the format %s", rule[1])
		}
	}
}

func TestPrivacyParametersAreNotTheDocumentsBusiness(t *testing.T) {
	h := newHarness(t)
	for _, body := range []string{`{"sql": "x", "epsilon": 0}`, `{"sql": "x", "epsilon": -1}`, `{"sql": "x", "epsilon": 1e-320}`, `{"sql": "x", "delta": 2}`, `{"sql": "x", "epsilon": 800, "bounds": {"max_partitions": -3}}`} {
		if got := h.do(ask{method: "POST", path: "/v1/query", key: h.secret[privacy.RoleAnalyst], body: body}); got.status != 200 {
			t.Errorf("%s was refused before the planner saw it: %s", body, got)
		}
	}
	asked := h.queries.count()
	for _, a := range []ask{
		{method: "POST", path: "/v1/query", body: `{"sql": "x", "epsilon": 1e400}`},
		{method: "POST", path: "/v1/explain", body: `{"sql": "x", "delta": 1e400}`},
		{method: "GET", path: "/v1/query?sql=x&epsilon=NaN"},
		{method: "GET", path: "/v1/query?sql=x&epsilon=1e400"},
		{method: "GET", path: "/v1/query?sql=x&delta=Inf"},
	} {
		a.key = h.secret[privacy.RoleAnalyst]
		if got := h.do(a); got.code() != privacy.CodePrivacyParameters || h.queries.count() != asked {
			t.Errorf("%s %s: %s, want privacy-parameters", a.path, a.body, got)
		}
	}
	for _, body := range []string{`{"epsilon": 0, "delta": 1e-6}`, `{"epsilon": 1e400, "delta": 1e-6}`, `{"epsilon": 1, "delta": 1}`, `{"epsilon": 1, "delta": 1e-6, "lifetime": {"epsilon": -1, "delta": 0}}`,
		`{"epsilon": 1, "delta": 1e-6, "per_dataset": {"d": {"epsilon": 0, "delta": 0}}}`} {
		if got := h.do(ask{method: "PUT", path: "/v1/admin/tenants/a/budget", key: h.secret[privacy.RoleBudgetAdmin], body: body}); got.code() != privacy.CodePrivacyParameters {
			t.Errorf("%s: %s, want privacy-parameters", body, got)
		}
	}
	if got := h.do(ask{method: "GET", path: "/v1/admin/tenants/a/budget", key: h.secret[privacy.RoleBudgetAdmin]}); got.code() != privacy.CodeNotFound {
		t.Errorf("a refused budget was set: %s", got)
	}
}

func TestPostAndGetAskTheSame(t *testing.T) {
	h := newHarness(t)
	bounds := `{"max_partitions": 3, "max_rows_per_partition": 2, "rating": [1.5, 4]}`
	want := question.Request{
		SQL: "SELECT 1", MaxPartitions: ptr(int64(3)), MaxRowsPerPartition: ptr(int64(2)), Columns: map[string][2]float64{"rating": {1.5, 4}},
		Epsilon: ptr(0.25), Delta: ptr(1e-9), Tenants: []string{"a", "b"}, OnExhausted: "exclude", Intervals: true, Purpose: "research",
	}
	form := url.Values{
		"sql": {"SELECT 1"}, "bounds": {bounds}, "epsilon": {"0.25"}, "delta": {"1e-9"}, "tenants": {"a", "b"},
		"on_exhausted": {"exclude"}, "intervals": {"true"}, "purpose": {"research"},
	}
	operations := map[string]string{"POST": "query", "GET": "queryByURL"}
	for name, a := range map[string]ask{
		"POST": {method: "POST", path: "/v1/query", body: `{"sql": "SELECT 1", "bounds": ` + bounds + `, "epsilon": 0.25, "delta": 1e-9, "tenants": ["a", "b"], "on_exhausted": "exclude", "intervals": true, "purpose": "research"}`},
		"GET":  {method: "GET", path: "/v1/query?" + form.Encode()},
	} {
		a.key = h.secret[privacy.RoleAnalyst]
		if got := h.do(a); got.status != 200 {
			t.Fatalf("%s: %s", name, got)
		}
		want.Operation = operations[name]
		if got := h.queries.last(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s asked %+v\nwant %+v", name, got, want)
		}
	}
}

func TestSmallBodiesAreBounded(t *testing.T) {
	h := newHarness(t)
	body := `{"sql": "` + strings.Repeat("x", maxQuery) + `"}`
	if got := h.do(ask{method: "POST", path: "/v1/query", key: h.secret[privacy.RoleAnalyst], body: body}); got.status != 413 || got.code() != privacy.CodeTooLarge {
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
