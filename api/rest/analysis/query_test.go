package analysis_test

import (
	"net/http"
	"net/url"
	"reflect"
	"testing"

	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/api/rest/resttest"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
)

func TestExplainTurnsRefusalsIntoAnswers(t *testing.T) {
	h := resttest.New(t)
	explain := func() resttest.Answer {
		return h.Do(resttest.Ask{Method: "POST", Path: "/v1/explain", Key: h.Secret[privacy.RoleAnalyst], Body: `{"sql": "SELECT"}`})
	}
	if got := resttest.Into[wire.Explanation](t, explain()); !got.Permitted || len(got.Charges) != 1 || got.Charges[0].Account != "tenant:a" {
		t.Errorf("%+v", got)
	}
	h.Queries.Fail(privacy.Errorf(privacy.CodeQueryNotPermitted, "no joins").At(12))
	got := explain()
	x := resttest.Into[wire.Explanation](t, got)
	if got.Status != http.StatusOK || x.Permitted || x.Problem == nil || x.Problem.Type != "/problems/query-not-permitted" || *x.Problem.Position != 12 {
		t.Errorf("%s", got)
	}
	h.Queries.Fail(privacy.Errorf(privacy.CodeUnavailable, "later"))
	if got := explain(); got.Code() != privacy.CodeUnavailable {
		t.Errorf("%s", got)
	}
}

func TestPostAndGetAskTheSame(t *testing.T) {
	h := resttest.New(t)
	bounds := `{"max_partitions": 3, "max_rows_per_partition": 2, "rating": [1.5, 4]}`
	want := question.Request{
		SQL: "SELECT 1", MaxPartitions: new(int64(3)), MaxRowsPerPartition: new(int64(2)), Columns: map[string][2]float64{"rating": {1.5, 4}},
		Epsilon: new(0.25), Delta: new(1e-9), Tenants: []string{"a", "b"}, OnExhausted: "exclude", Intervals: true, Purpose: "research",
	}
	form := url.Values{
		"sql": {"SELECT 1"}, "bounds": {bounds}, "epsilon": {"0.25"}, "delta": {"1e-9"}, "tenants": {"a", "b"},
		"on_exhausted": {"exclude"}, "intervals": {"true"}, "purpose": {"research"},
	}
	operations := map[string]string{"POST": "query", "GET": "queryByURL"}
	for name, a := range map[string]resttest.Ask{
		"POST": {Method: "POST", Path: "/v1/query", Body: `{"sql": "SELECT 1", "bounds": ` + bounds + `, "epsilon": 0.25, "delta": 1e-9, "tenants": ["a", "b"], "on_exhausted": "exclude", "intervals": true, "purpose": "research"}`},
		"GET":  {Method: "GET", Path: "/v1/query?" + form.Encode()},
	} {
		a.Key = h.Secret[privacy.RoleAnalyst]
		if got := h.Do(a); got.Status != 200 {
			t.Fatalf("%s: %s", name, got)
		}
		want.Operation = operations[name]
		if got := h.Queries.Last(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s asked %+v\nwant %+v", name, got, want)
		}
	}
}
