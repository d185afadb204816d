package rest_test

import (
	"context"
	"strings"
	"testing"

	"github.com/noised/noised/api/rest"
	"github.com/noised/noised/api/rest/resttest"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
)

func TestWhatIsNotThereIsAProblemToo(t *testing.T) {
	h := resttest.New(t)
	for _, c := range []struct {
		ask    resttest.Ask
		status int
		allow  string
	}{
		{resttest.Ask{Method: "GET", Path: "/"}, 404, ""},
		{resttest.Ask{Method: "GET", Path: "/v2/query"}, 404, ""},
		{resttest.Ask{Method: "GET", Path: "/v1/receipts"}, 404, ""},
		{resttest.Ask{Method: "GET", Path: "/metrics"}, 404, ""},
		{resttest.Ask{Method: "DELETE", Path: "/v1/query"}, 405, "POST"},
		{resttest.Ask{Method: "HEAD", Path: "/v1/query?sql=x", Key: h.Secret[privacy.RoleAnalyst]}, 405, "POST"},
		{resttest.Ask{Method: "PUT", Path: "/v1/datasets"}, 405, "GET"},
	} {
		got := h.Do(c.ask)
		if got.Status != c.status || got.Header.Get("Content-Type") != wire.TypeProblem {
			t.Errorf("%s %s: %s, want %d", c.ask.Method, c.ask.Path, got, c.status)
		}
		if !strings.Contains(got.Header.Get("Allow"), c.allow) {
			t.Errorf("%s %s: Allow %q, want %s", c.ask.Method, c.ask.Path, got.Header.Get("Allow"), c.allow)
		}
	}
	if n := h.Queries.Count(); n != 0 {
		t.Errorf("%d queries ran", n)
	}
}

func TestHeadAnswersAsGetWithoutABody(t *testing.T) {
	h := resttest.New(t)
	for _, path := range []string{"/healthz", "/v1/openapi.json", "/v1/releases/rel_1"} {
		get := h.Do(resttest.Ask{Method: "GET", Path: path, Key: h.Secret[privacy.RoleAnalyst]})
		head := h.Do(resttest.Ask{Method: "HEAD", Path: path, Key: h.Secret[privacy.RoleAnalyst]})
		if head.Status != get.Status || len(head.Body) != 0 || head.Header.Get("Content-Type") != get.Header.Get("Content-Type") {
			t.Errorf("HEAD %s: %s, GET: %d", path, head, get.Status)
		}
	}
}

func TestReadinessSaysWhatTheServerSays(t *testing.T) {
	broken := true
	h := resttest.New(t, func(o *rest.Options) {
		o.Ready = func(context.Context) error {
			if broken {
				return privacy.Errorf(privacy.CodeInternal, "no disk")
			}
			return nil
		}
	})
	if got := h.Do(resttest.Ask{Method: "GET", Path: "/readyz"}); got.Code() != privacy.CodeUnavailable {
		t.Errorf("%s", got)
	}
	broken = false
	if got := h.Do(resttest.Ask{Method: "GET", Path: "/readyz"}); got.Status != 200 {
		t.Errorf("%s", got)
	}
}

func TestAServerNeedsItsParts(t *testing.T) {
	if _, err := rest.NewServer(rest.Options{}); err == nil {
		t.Error("a server without parts started")
	}
}
