package validation_test

import (
	"testing"

	"github.com/noised/noised/api/rest/resttest"
	"github.com/noised/noised/privacy"
)

func TestMediaTypesThatDoNotFit(t *testing.T) {
	h := resttest.New(t)
	analyst, contributor := h.Secret[privacy.RoleAnalyst], h.Secret[privacy.RoleContributor]
	for name, c := range map[string]struct {
		ask  resttest.Ask
		want privacy.Code
	}{
		"a result as HTML":        {resttest.Ask{Method: "GET", Path: "/v1/query?sql=x", Key: analyst, Header: map[string]string{"Accept": "text/html"}}, privacy.CodeNotAcceptable},
		"a list as CSV":           {resttest.Ask{Method: "GET", Path: "/v1/releases", Key: analyst, Header: map[string]string{"Accept": "text/csv"}}, privacy.CodeNotAcceptable},
		"a query as a form":       {resttest.Ask{Method: "POST", Path: "/v1/query", Key: analyst, Body: "sql=x", Header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}, privacy.CodeUnsupportedMediaType},
		"a query without type":    {resttest.Ask{Method: "POST", Path: "/v1/query", Key: analyst, Body: "{}", Header: map[string]string{"Content-Type": ""}}, privacy.CodeUnsupportedMediaType},
		"a query that is zipped":  {resttest.Ask{Method: "POST", Path: "/v1/query", Key: analyst, Body: "{}", Header: map[string]string{"Content-Encoding": "gzip"}}, privacy.CodeUnsupportedMediaType},
		"a load as JSON":          {resttest.Ask{Method: "POST", Path: "/v1/datasets/d/loads", Key: contributor, Body: "[]"}, privacy.CodeUnsupportedMediaType},
		"a load that is brotlied": {resttest.Ask{Method: "POST", Path: "/v1/datasets/d/loads", Key: contributor, Body: "x", Header: map[string]string{"Content-Type": "text/csv", "Content-Encoding": "br"}}, privacy.CodeUnsupportedMediaType},
		"a contract as XML":       {resttest.Ask{Method: "POST", Path: "/v1/admin/datasets", Key: h.Secret[privacy.RoleOperator], Body: "<x/>", Header: map[string]string{"Content-Type": "application/xml"}}, privacy.CodeUnsupportedMediaType},
	} {
		if got := h.Do(c.ask); got.Code() != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	if h.Queries.Count() != 0 || len(h.Loads.Created) != 0 {
		t.Error("something ran")
	}
}
