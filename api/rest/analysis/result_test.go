package analysis_test

import (
	"encoding/json"
	"testing"

	"github.com/noised/noised/api/rest/resttest"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
)

func TestOneReleaseComesInThreeForms(t *testing.T) {
	h := resttest.New(t)
	key := h.Secret[privacy.RoleAnalyst]
	for _, c := range []struct{ accept, contentType, body string }{
		{"", wire.TypeArrow, ""},
		{wire.TypeCSV, "text/csv; charset=utf-8", "n\n41\n"},
		{wire.TypeJSON, wire.TypeJSON, `[{"n":41}]`},
	} {
		for _, a := range []resttest.Ask{
			{Method: "POST", Path: "/v1/query", Body: `{"sql": "x"}`},
			{Method: "GET", Path: "/v1/query?sql=x"},
			{Method: "GET", Path: "/v1/releases/rel_1"},
		} {
			a.Key, a.Header = key, map[string]string{"Accept": c.accept}
			got := h.Do(a)
			if got.Status != 200 || got.Header.Get("Content-Type") != c.contentType {
				t.Errorf("%s %s as %q: %s %s", a.Method, a.Path, c.accept, got.Header.Get("Content-Type"), got)
			}
			if c.accept == wire.TypeJSON {
				if !json.Valid(got.Body) || !sameJSON(t, string(got.Body), c.body) {
					t.Errorf("%s", got)
				}
			} else if c.body != "" && string(got.Body) != c.body {
				t.Errorf("%s", got)
			}
			cached := "false"
			if a.Path == "/v1/releases/rel_1" {
				cached = "true"
			}
			for name, want := range map[string]string{"Noised-Release": "rel_1", "Noised-Epsilon": "0.5", "Noised-Delta": "1e-09", "Noised-Cached": cached} {
				if got.Header.Get(name) != want {
					t.Errorf("%s %s: %s is %q, want %q", a.Method, a.Path, name, got.Header.Get(name), want)
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
	h := resttest.New(t)
	got := h.Do(resttest.Ask{Method: "GET", Path: "/v1/releases/rel_1", Key: h.Secret[privacy.RoleAnalyst], Header: map[string]string{"Accept": wire.TypeReleaseInfo}})
	if r := resttest.Into[wire.Release](t, got); r.ID != "rel_1" || r.SQL != "SELECT 1" || got.Header.Get("Content-Type") != wire.TypeReleaseInfo {
		t.Errorf("%s", got)
	}
}
