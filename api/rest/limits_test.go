package rest

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/privacy"
)

func TestAPanicIsAnInternalErrorAndTheServerGoesOn(t *testing.T) {
	h := newHarness(t)
	h.queries.run = func(context.Context) { panic("value of a private row: 42") }
	q := ask{method: "POST", path: "/v1/query", key: h.secret[privacy.RoleAnalyst], body: `{"sql": "x"}`, header: once("k")}
	if got := h.do(q); got.status != 500 || got.code() != privacy.CodeInternal || strings.Contains(string(got.body), "private row") {
		t.Errorf("%s", got)
	}
	if log := h.log.String(); !strings.Contains(log, "panic") || strings.Contains(log, "private row") {
		t.Errorf("log:\n%s", log)
	}
	h.queries.run = nil
	if got := h.do(q); got.status != 200 {
		t.Errorf("after the panic: %s", got)
	}
}

func TestNoMoreRequestsRunThanThereAreSlots(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.MaxConcurrent = 1 })
	running, proceed := make(chan struct{}), make(chan struct{})
	h.queries.run = func(context.Context) {
		running <- struct{}{}
		<-proceed
	}
	q := ask{method: "GET", path: "/v1/query?sql=x", key: h.secret[privacy.RoleAnalyst]}
	first := make(chan answer)
	go func() { first <- h.do(q) }()
	<-running
	if got := h.do(q); got.status != 503 || got.code() != privacy.CodeUnavailable || got.header.Get("Retry-After") == "" {
		t.Errorf("%s", got)
	}
	if got := h.do(ask{method: "GET", path: "/healthz"}); got.status != 200 {
		t.Errorf("a busy server looks dead: %s", got)
	}
	close(proceed)
	if got := <-first; got.status != 200 {
		t.Errorf("%s", got)
	}
	h.queries.run = nil
	if got := h.do(q); got.status != 200 {
		t.Errorf("the slot was not given back: %s", got)
	}
}

// TestATenantTakesHalfAtMost: whoever keeps requests open, or uploads that hardly
// move, leaves the other half of the server to the others.
func TestATenantTakesHalfAtMost(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.MaxConcurrent, o.MaxUploads = 4, 2 })
	running, proceed := make(chan struct{}), make(chan struct{})
	h.queries.run = func(context.Context) {
		running <- struct{}{}
		<-proceed
	}
	q := ask{method: "GET", path: "/v1/query?sql=x", key: h.secret[privacy.RoleAnalyst]}
	answers := make(chan answer, 3)
	for range 2 {
		go func() { answers <- h.do(q) }()
		<-running
	}
	mine := ask{method: "GET", path: "/v1/datasets", key: h.secret[privacy.RoleTenantAdmin]}
	if got := h.do(mine); got.status != 429 || got.code() != privacy.CodeRateLimited {
		t.Errorf("beyond its half: %s", got)
	}
	theirs := mine
	theirs.key = h.foreign[privacy.RoleTenantAdmin]
	if got := h.do(theirs); got.status != 200 {
		t.Errorf("another tenant: %s", got)
	}

	conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST /v1/datasets/d/loads HTTP/1.1\r\nContent-Type: text/csv\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 1000\r\n\r\nonly this", h.secret[privacy.RoleContributor])
	h.loads.reached(1)
	upload := func(key string) answer {
		return h.do(ask{method: "POST", path: "/v1/datasets/d/loads", key: key, body: "x", header: map[string]string{"Content-Type": "text/csv"}})
	}
	if got := upload(h.secret[privacy.RoleContributor]); got.status != 429 {
		t.Errorf("an upload beyond its half: %s", got)
	}
	if got := upload(h.foreign[privacy.RoleContributor]); got.status != 202 {
		t.Errorf("another tenant's upload: %s", got)
	}
	conn.Close()
	close(proceed)
	for range 2 {
		if got := <-answers; got.status != 200 {
			t.Errorf("%s", got)
		}
	}
	h.queries.run = nil
	if got := h.do(mine); got.status != 200 {
		t.Errorf("its half was not given back: %s", got)
	}
}

func TestARequestHasATimeLimit(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Timeout = 20 * time.Millisecond })
	h.queries.run = func(ctx context.Context) { <-ctx.Done() }
	h.queries.fail(context.DeadlineExceeded)
	if got := h.do(ask{method: "GET", path: "/v1/query?sql=x", key: h.secret[privacy.RoleAnalyst]}); got.code() != privacy.CodeUnavailable {
		t.Errorf("%s", got)
	}
}

func TestABodyThatNeverEndsIsGivenUp(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Options)
		head   string
		role   privacy.Role
	}{
		"query": {func(o *Options) { o.Timeout = 3 * time.Second }, "POST /v1/query HTTP/1.1\r\nContent-Type: application/json\r\n", privacy.RoleAnalyst},
		"load":  {func(o *Options) { o.UploadIdle = 20 * time.Millisecond }, "POST /v1/datasets/d/loads HTTP/1.1\r\nContent-Type: text/csv\r\n", privacy.RoleContributor},
	} {
		h := newHarness(t, c.change)
		conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "%sHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 1000\r\n\r\nonly this", c.head, h.secret[c.role])
		status, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil || !strings.Contains(status, " 400 ") {
			t.Errorf("%s: %q, %v", name, status, err)
		}
	}
}

func TestEachPrincipalHasItsRate(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Rate, o.Burst = 2, 3 })
	list := ask{method: "GET", path: "/v1/releases", key: h.secret[privacy.RoleAnalyst]}
	for i := range 3 {
		if got := h.do(list); got.status != 200 {
			t.Fatalf("request %d: %s", i, got)
		}
	}
	if got := h.do(list); got.status != 429 || got.code() != privacy.CodeRateLimited || got.header.Get("Retry-After") == "" {
		t.Errorf("%s", got)
	}
	other := list
	other.key = h.foreign[privacy.RoleAnalyst]
	if got := h.do(other); got.status != 200 {
		t.Errorf("another principal: %s", got)
	}
	h.clock.advance(time.Second) // two more
	for i, want := range []int{200, 200, 429} {
		if got := h.do(list); got.status != want {
			t.Errorf("a second later, request %d: %s, want %d", i, got, want)
		}
	}
}

func TestIdlePrincipalsAreForgotten(t *testing.T) {
	c := &clock{now: time.Unix(1e9, 0)}
	r := newRates(10, 1, c.Now)
	for _, p := range []string{"a", "b", "c"} {
		if err := r.allow(p); err != nil {
			t.Fatal(err)
		}
	}
	c.advance(2 * time.Minute)
	if err := r.allow("d"); err != nil || len(r.arrivals) != 1 {
		t.Errorf("%d remembered, %v", len(r.arrivals), err)
	}
}

func TestTheLogSaysWhoCalledWhatAndNothingThatWasSent(t *testing.T) {
	h := newHarness(t)
	h.do(ask{method: "GET", path: "/v1/query?sql=SELECT+topsecret", key: h.secret[privacy.RoleAnalyst]})
	h.do(ask{method: "POST", path: "/v1/query", key: h.secret[privacy.RoleAnalyst], body: `{"sql": "SELECT topsecret"}`})
	h.do(ask{method: "GET", path: "/v1/releases/topsecret", key: h.secret[privacy.RoleAnalyst]})
	h.do(ask{method: "GET", path: "/topsecret"})
	h.do(ask{method: "GET", path: "/v1/query?topsecret=1", key: h.secret[privacy.RoleAnalyst]})
	log := h.log.String()
	for _, want := range []string{"route=/v1/query", "route=/v1/releases/{release}", "route=unmatched", "status=200", "status=404", "principal=" + h.id[privacy.RoleAnalyst]} {
		if !strings.Contains(log, want) {
			t.Errorf("the log does not say %s", want)
		}
	}
	for _, hidden := range []string{"topsecret", h.secret[privacy.RoleAnalyst]} {
		if strings.Contains(log, hidden) {
			t.Errorf("the log says %q:\n%s", hidden, log)
		}
	}
}

func TestMetricsCountByRoute(t *testing.T) {
	h := newHarness(t)
	h.do(ask{method: "GET", path: "/v1/releases/rel_1", key: h.secret[privacy.RoleAnalyst]})
	h.do(ask{method: "BREW", path: "/coffee"})
	rec := httptest.NewRecorder()
	MetricsHandler(h.metrics).ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", http.NoBody))
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
	h := newHarness(t)
	got := h.do(ask{method: "GET", path: "/healthz"})
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
		"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
	} {
		if got.header.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.header.Get(name), want)
		}
	}
}

func TestReadinessSaysWhatTheServerSays(t *testing.T) {
	broken := true
	h := newHarness(t, func(o *Options) {
		o.Ready = func(context.Context) error {
			if broken {
				return privacy.Errorf(privacy.CodeInternal, "no disk")
			}
			return nil
		}
	})
	if got := h.do(ask{method: "GET", path: "/readyz"}); got.code() != privacy.CodeUnavailable {
		t.Errorf("%s", got)
	}
	broken = false
	if got := h.do(ask{method: "GET", path: "/readyz"}); got.status != 200 {
		t.Errorf("%s", got)
	}
}

func TestAServerNeedsItsParts(t *testing.T) {
	if _, err := NewServer(Options{}); err == nil {
		t.Error("a server without parts started")
	}
}
