package edge_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/noised/noised/api/rest"
	"github.com/noised/noised/api/rest/resttest"
	"github.com/noised/noised/privacy"
)

func TestTheLogSaysWhoCalledWhatAndNothingThatWasSent(t *testing.T) {
	h := resttest.New(t)
	h.Do(resttest.Ask{Method: "GET", Path: "/v1/query?sql=SELECT+topsecret", Key: h.Secret[privacy.RoleAnalyst]})
	h.Do(resttest.Ask{Method: "POST", Path: "/v1/query", Key: h.Secret[privacy.RoleAnalyst], Body: `{"sql": "SELECT topsecret"}`})
	h.Do(resttest.Ask{Method: "GET", Path: "/v1/releases/topsecret", Key: h.Secret[privacy.RoleAnalyst]})
	h.Do(resttest.Ask{Method: "GET", Path: "/topsecret"})
	h.Do(resttest.Ask{Method: "GET", Path: "/v1/query?topsecret=1", Key: h.Secret[privacy.RoleAnalyst]})
	log := h.Log.String()
	for _, want := range []string{"route=/v1/query", "route=/v1/releases/{release}", "route=unmatched", "status=200", "status=404", "principal=" + h.ID[privacy.RoleAnalyst]} {
		if !strings.Contains(log, want) {
			t.Errorf("the log does not say %s", want)
		}
	}
	for _, hidden := range []string{"topsecret", h.Secret[privacy.RoleAnalyst]} {
		if strings.Contains(log, hidden) {
			t.Errorf("the log says %q:\n%s", hidden, log)
		}
	}
}

func TestMetricsCountByRoute(t *testing.T) {
	h := resttest.New(t)
	h.Do(resttest.Ask{Method: "GET", Path: "/v1/releases/rel_1", Key: h.Secret[privacy.RoleAnalyst]})
	h.Do(resttest.Ask{Method: "BREW", Path: "/coffee"})
	rec := httptest.NewRecorder()
	rest.MetricsHandler(h.Metrics).ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", http.NoBody))
	for _, want := range []string{
		`noised_http_requests_total{method="GET",route="/v1/releases/{release}",status="200"} 1`,
		`noised_http_requests_total{method="other",route="unmatched",status="404"} 1`,
		"noised_http_requests_in_flight",
	} {
		if !strings.Contains(rec.Body.String(), want) {
			t.Errorf("no %s in\n%s", want, rec.Body)
		}
	}
}

func TestAnswersAreNobodyElsesBusiness(t *testing.T) {
	h := resttest.New(t)
	got := h.Do(resttest.Ask{Method: "GET", Path: "/healthz"})
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
		"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
	} {
		if got.Header.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.Header.Get(name), want)
		}
	}
}
