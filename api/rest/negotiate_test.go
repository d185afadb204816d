package rest

import (
	"encoding/json"
	"testing"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
)

func TestAcceptChoosesTheForm(t *testing.T) {
	offers := []string{wire.TypeArrow, wire.TypeCSV, wire.TypeJSON}
	for _, c := range []struct{ accept, want string }{
		{"", wire.TypeArrow},
		{"*/*", wire.TypeArrow},
		{"application/*", wire.TypeArrow},
		{"text/csv", wire.TypeCSV},
		{"text/*", wire.TypeCSV},
		{"TEXT/CSV; charset=utf-8", wire.TypeCSV},
		{"application/json", wire.TypeJSON},
		{"application/json, text/plain, */*", wire.TypeJSON},
		{"text/csv;q=0.5, application/json", wire.TypeJSON},
		{"text/csv, application/json", wire.TypeCSV},
		{"application/json, text/csv", wire.TypeJSON},
		{"*/*, application/vnd.apache.arrow.stream;q=0", wire.TypeCSV},
		{"text/html, */*;q=0.1", wire.TypeArrow},
		{"text/html", ""},
		{"application/json;q=0", ""},
		{"nonsense", ""},
		{"text/csv;q=2, application/json;q=0.1", wire.TypeJSON},
		{"text/csv;q=NaN", ""},
		{",,text/csv,", wire.TypeCSV},
	} {
		if got, ok := choose(c.accept, offers); got != c.want || ok != (c.want != "") {
			t.Errorf("Accept %q chooses %q, want %q", c.accept, got, c.want)
		}
	}
}

func FuzzChoose(f *testing.F) {
	f.Add("text/csv;q=0.5, */*")
	f.Add("application/json; q=, ;")
	offers := []string{wire.TypeArrow, wire.TypeCSV}
	f.Fuzz(func(t *testing.T, accept string) {
		if got, ok := choose(accept, offers); ok != (got == offers[0] || got == offers[1]) {
			t.Errorf("Accept %q chooses %q, %v", accept, got, ok)
		}
	})
}

func TestOneReleaseComesInThreeForms(t *testing.T) {
	h := newHarness(t)
	key := h.secret[privacy.RoleAnalyst]
	for _, c := range []struct{ accept, contentType, body string }{
		{"", wire.TypeArrow, ""},
		{wire.TypeCSV, "text/csv; charset=utf-8", "n\n41\n"},
		{wire.TypeJSON, wire.TypeJSON, `[{"n":41}]`},
	} {
		for _, a := range []ask{
			{method: "POST", path: "/v1/query", body: `{"sql": "x"}`},
			{method: "GET", path: "/v1/query?sql=x"},
			{method: "GET", path: "/v1/releases/rel_1"},
		} {
			a.key, a.header = key, map[string]string{"Accept": c.accept}
			got := h.do(a)
			if got.status != 200 || got.header.Get("Content-Type") != c.contentType {
				t.Errorf("%s %s as %q: %s %s", a.method, a.path, c.accept, got.header.Get("Content-Type"), got)
			}
			if c.accept == wire.TypeJSON {
				if !json.Valid(got.body) || !sameJSON(t, string(got.body), c.body) {
					t.Errorf("%s", got)
				}
			} else if c.body != "" && string(got.body) != c.body {
				t.Errorf("%s", got)
			}
			cached := "false"
			if a.path == "/v1/releases/rel_1" {
				cached = "true"
			}
			for name, want := range map[string]string{"Noised-Release": "rel_1", "Noised-Epsilon": "0.5", "Noised-Delta": "1e-09", "Noised-Cached": cached} {
				if got.header.Get(name) != want {
					t.Errorf("%s %s: %s is %q, want %q", a.method, a.path, name, got.header.Get(name), want)
				}
			}
		}
	}
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	var x, y any
	if err := json.Unmarshal([]byte(a), &x); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(b), &y); err != nil {
		t.Fatal(err)
	}
	ax, _ := json.Marshal(x)
	by, _ := json.Marshal(y)
	return string(ax) == string(by)
}

func TestAReleaseDescribesItself(t *testing.T) {
	h := newHarness(t)
	got := h.do(ask{method: "GET", path: "/v1/releases/rel_1", key: h.secret[privacy.RoleAnalyst], header: map[string]string{"Accept": wire.TypeReleaseInfo}})
	if r := into[wire.Release](t, got); r.ID != "rel_1" || r.SQL != "SELECT 1" || got.header.Get("Content-Type") != wire.TypeReleaseInfo {
		t.Errorf("%s", got)
	}
}

func TestMediaTypesThatDoNotFit(t *testing.T) {
	h := newHarness(t)
	analyst, contributor := h.secret[privacy.RoleAnalyst], h.secret[privacy.RoleContributor]
	for name, c := range map[string]struct {
		ask  ask
		want privacy.Code
	}{
		"a result as HTML":        {ask{method: "GET", path: "/v1/query?sql=x", key: analyst, header: map[string]string{"Accept": "text/html"}}, privacy.CodeNotAcceptable},
		"a list as CSV":           {ask{method: "GET", path: "/v1/releases", key: analyst, header: map[string]string{"Accept": "text/csv"}}, privacy.CodeNotAcceptable},
		"a query as a form":       {ask{method: "POST", path: "/v1/query", key: analyst, body: "sql=x", header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}, privacy.CodeUnsupportedMediaType},
		"a query without type":    {ask{method: "POST", path: "/v1/query", key: analyst, body: "{}", header: map[string]string{"Content-Type": ""}}, privacy.CodeUnsupportedMediaType},
		"a query that is zipped":  {ask{method: "POST", path: "/v1/query", key: analyst, body: "{}", header: map[string]string{"Content-Encoding": "gzip"}}, privacy.CodeUnsupportedMediaType},
		"a load as JSON":          {ask{method: "POST", path: "/v1/datasets/d/loads", key: contributor, body: "[]"}, privacy.CodeUnsupportedMediaType},
		"a load that is brotlied": {ask{method: "POST", path: "/v1/datasets/d/loads", key: contributor, body: "x", header: map[string]string{"Content-Type": "text/csv", "Content-Encoding": "br"}}, privacy.CodeUnsupportedMediaType},
		"a contract as XML":       {ask{method: "POST", path: "/v1/admin/datasets", key: h.secret[privacy.RoleOperator], body: "<x/>", header: map[string]string{"Content-Type": "application/xml"}}, privacy.CodeUnsupportedMediaType},
	} {
		if got := h.do(c.ask); got.code() != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	if h.queries.count() != 0 || len(h.loads.created) != 0 {
		t.Error("something ran")
	}
}

func TestHeadAnswersAsGetWithoutABody(t *testing.T) {
	h := newHarness(t)
	for _, path := range []string{"/healthz", "/v1/openapi.json", "/v1/releases/rel_1"} {
		get := h.do(ask{method: "GET", path: path, key: h.secret[privacy.RoleAnalyst]})
		head := h.do(ask{method: "HEAD", path: path, key: h.secret[privacy.RoleAnalyst]})
		if head.status != get.status || len(head.body) != 0 || head.header.Get("Content-Type") != get.header.Get("Content-Type") {
			t.Errorf("HEAD %s: %s, GET: %d", path, head, get.status)
		}
	}
}
