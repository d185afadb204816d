package edge_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/api/rest"
	"github.com/noised/noised/api/rest/provenance"
	"github.com/noised/noised/api/rest/resttest"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
)

func TestAPanicIsAnInternalErrorAndTheServerGoesOn(t *testing.T) {
	h := resttest.New(t)
	h.Queries.Run = func(context.Context) { panic("value of a private row: 42") }
	q := resttest.Ask{Method: "POST", Path: "/v1/query", Key: h.Secret[privacy.RoleAnalyst], Body: `{"sql": "x"}`, Header: resttest.Once("k")}
	if got := h.Do(q); got.Status != 500 || got.Code() != privacy.CodeInternal || strings.Contains(string(got.Body), "private row") {
		t.Errorf("%s", got)
	}
	if log := h.Log.String(); !strings.Contains(log, "panic") || strings.Contains(log, "private row") {
		t.Errorf("log:\n%s", log)
	}
	h.Queries.Run = nil
	if got := h.Do(q); got.Status != 200 {
		t.Errorf("after the panic: %s", got)
	}
}

func TestNoMoreRequestsRunThanThereAreSlots(t *testing.T) {
	h := resttest.New(t, func(o *rest.Options) { o.Limits.MaxConcurrent = 1 })
	running, proceed := make(chan struct{}), make(chan struct{})
	h.Queries.Run = func(context.Context) {
		running <- struct{}{}
		<-proceed
	}
	q := resttest.Ask{Method: "GET", Path: "/v1/query?sql=x", Key: h.Secret[privacy.RoleAnalyst]}
	first := make(chan resttest.Answer)
	go func() { first <- h.Do(q) }()
	<-running
	if got := h.Do(q); got.Status != 503 || got.Code() != privacy.CodeUnavailable || got.Header.Get("Retry-After") == "" {
		t.Errorf("%s", got)
	}
	if got := h.Do(resttest.Ask{Method: "GET", Path: "/healthz"}); got.Status != 200 {
		t.Errorf("a busy server looks dead: %s", got)
	}
	close(proceed)
	if got := <-first; got.Status != 200 {
		t.Errorf("%s", got)
	}
	h.Queries.Run = nil
	if got := h.Do(q); got.Status != 200 {
		t.Errorf("the slot was not given back: %s", got)
	}
}

// TestATenantTakesHalfAtMost: whoever keeps requests open, or uploads that hardly
// move, leaves the other half of the server to the others.
func TestATenantTakesHalfAtMost(t *testing.T) {
	h := resttest.New(t, func(o *rest.Options) { o.Limits.MaxConcurrent, o.Limits.MaxUploads = 4, 2 })
	running, proceed := make(chan struct{}), make(chan struct{})
	h.Queries.Run = func(context.Context) {
		running <- struct{}{}
		<-proceed
	}
	q := resttest.Ask{Method: "GET", Path: "/v1/query?sql=x", Key: h.Secret[privacy.RoleAnalyst]}
	answers := make(chan resttest.Answer, 3)
	for range 2 {
		go func() { answers <- h.Do(q) }()
		<-running
	}
	mine := resttest.Ask{Method: "GET", Path: "/v1/datasets", Key: h.Secret[privacy.RoleTenantAdmin]}
	if got := h.Do(mine); got.Status != 429 || got.Code() != privacy.CodeRateLimited {
		t.Errorf("beyond its half: %s", got)
	}
	theirs := mine
	theirs.Key = h.Foreign[privacy.RoleTenantAdmin]
	if got := h.Do(theirs); got.Status != 200 {
		t.Errorf("another tenant: %s", got)
	}

	conn, err := net.Dial("tcp", strings.TrimPrefix(h.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST /v1/datasets/d/loads HTTP/1.1\r\nContent-Type: text/csv\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 1000\r\n\r\nonly this", h.Secret[privacy.RoleContributor])
	h.Loads.Reached(1)
	upload := func(key string) resttest.Answer {
		return h.Do(resttest.Ask{Method: "POST", Path: "/v1/datasets/d/loads", Key: key, Body: "x", Header: map[string]string{"Content-Type": "text/csv"}})
	}
	if got := upload(h.Secret[privacy.RoleContributor]); got.Status != 429 {
		t.Errorf("an upload beyond its half: %s", got)
	}
	if got := upload(h.Foreign[privacy.RoleContributor]); got.Status != 202 {
		t.Errorf("another tenant's upload: %s", got)
	}
	conn.Close()
	close(proceed)
	for range 2 {
		if got := <-answers; got.Status != 200 {
			t.Errorf("%s", got)
		}
	}
	h.Queries.Run = nil
	if got := h.Do(mine); got.Status != 200 {
		t.Errorf("its half was not given back: %s", got)
	}
}

// busyLog takes its time to sign a checkpoint.
type busyLog struct {
	provenance.Record
	running, proceed chan struct{}
}

func (l busyLog) Checkpoint(ctx context.Context) ([]byte, error) {
	if _, limited := ctx.Deadline(); !limited {
		return nil, errors.New("a stranger may stay for ever")
	}
	l.running <- struct{}{}
	<-l.proceed
	return []byte("signed"), nil
}

// TestStrangersLeaveTheirSlotsToCallers: the log may be read without a key, and
// however many do, those who have one are answered.
func TestStrangersLeaveTheirSlotsToCallers(t *testing.T) {
	log := busyLog{running: make(chan struct{}), proceed: make(chan struct{})}
	h := resttest.New(t, func(o *rest.Options) {
		o.Limits.MaxConcurrent = 2
		log.Record, o.Record = o.Record, log
	})
	read := resttest.Ask{Method: "GET", Path: "/v1/log/checkpoint"}
	first := make(chan resttest.Answer)
	go func() { first <- h.Do(read) }()
	<-log.running
	if got := h.Do(resttest.Ask{Method: "GET", Path: "/v1/log/key"}); got.Status != 503 || got.Code() != privacy.CodeUnavailable {
		t.Errorf("a second stranger: %s", got)
	}
	for _, a := range []resttest.Ask{{Method: "GET", Path: "/healthz"}, {Method: "GET", Path: "/v1/releases", Key: h.Secret[privacy.RoleAnalyst]}} {
		if got := h.Do(a); got.Status != 200 {
			t.Errorf("%s beside a stranger: %s", a.Path, got)
		}
	}
	close(log.proceed)
	if got := <-first; got.Status != 200 || string(got.Body) != "signed" {
		t.Errorf("the first stranger: %s", got)
	}
}

func TestARequestHasATimeLimit(t *testing.T) {
	h := resttest.New(t, func(o *rest.Options) { o.Limits.Timeout = 20 * time.Millisecond })
	h.Queries.Run = func(ctx context.Context) { <-ctx.Done() }
	h.Queries.Fail(context.DeadlineExceeded)
	if got := h.Do(resttest.Ask{Method: "GET", Path: "/v1/query?sql=x", Key: h.Secret[privacy.RoleAnalyst]}); got.Code() != privacy.CodeUnavailable {
		t.Errorf("%s", got)
	}
}

func TestABodyThatNeverEndsIsGivenUp(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*rest.Options)
		head   string
		role   privacy.Role
	}{
		"query": {func(o *rest.Options) { o.Limits.Timeout = 3 * time.Second }, "POST /v1/query HTTP/1.1\r\nContent-Type: application/json\r\n", privacy.RoleAnalyst},
		"load":  {func(o *rest.Options) { o.UploadIdle = 20 * time.Millisecond }, "POST /v1/datasets/d/loads HTTP/1.1\r\nContent-Type: text/csv\r\n", privacy.RoleContributor},
	} {
		h := resttest.New(t, c.change)
		conn, err := net.Dial("tcp", strings.TrimPrefix(h.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "%sHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 1000\r\n\r\nonly this", c.head, h.Secret[c.role])
		status, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil || !strings.Contains(status, " 400 ") {
			t.Errorf("%s: %q, %v", name, status, err)
		}
	}
}

func TestEachPrincipalHasItsRate(t *testing.T) {
	h := resttest.New(t, func(o *rest.Options) { o.Limits.Rate, o.Limits.Burst = 2, 3 })
	list := resttest.Ask{Method: "GET", Path: "/v1/releases", Key: h.Secret[privacy.RoleAnalyst]}
	for i := range 3 {
		if got := h.Do(list); got.Status != 200 {
			t.Fatalf("request %d: %s", i, got)
		}
	}
	if got := h.Do(list); got.Status != 429 || got.Code() != privacy.CodeRateLimited || got.Header.Get("Retry-After") == "" {
		t.Errorf("%s", got)
	}
	other := list
	other.Key = h.Foreign[privacy.RoleAnalyst]
	if got := h.Do(other); got.Status != 200 {
		t.Errorf("another principal: %s", got)
	}
	h.Clock.Advance(time.Second) // two more
	for i, want := range []int{200, 200, 429} {
		if got := h.Do(list); got.Status != want {
			t.Errorf("a second later, request %d: %s, want %d", i, got, want)
		}
	}
}

// TestATenantHasItsRate: its principals together, and no other tenant's.
func TestATenantHasItsRate(t *testing.T) {
	h := resttest.New(t)
	h.Do(resttest.Ask{Method: "PUT", Path: "/v1/admin/tenants/a/quotas", Key: h.Secret[privacy.RoleOperator], Body: `{"requests_per_second": 4}`})
	h.Clock.Advance(time.Second)
	list := func(key string) resttest.Answer {
		return h.Do(resttest.Ask{Method: "GET", Path: "/v1/datasets", Key: key})
	}
	analyst, admin := h.Secret[privacy.RoleAnalyst], h.Secret[privacy.RoleTenantAdmin]
	for round := range 2 {
		for i, key := range []string{analyst, admin, analyst, admin} {
			if got := list(key); got.Status != 200 {
				t.Fatalf("round %d, request %d: %s", round, i, got)
			}
		}
		got := list(analyst)
		if p := resttest.Into[wire.Problem](t, got); got.Code() != privacy.CodeRateLimited || p.Detail == nil ||
			*p.Detail != "the quota requests_per_second is 4, and this would be more: all keys of the tenant count together" {
			t.Errorf("%s", got)
		}
		if got := list(h.Foreign[privacy.RoleAnalyst]); got.Status != 200 {
			t.Errorf("another tenant: %s", got)
		}
		h.Clock.Advance(time.Second)
	}
	h.Do(resttest.Ask{Method: "PUT", Path: "/v1/admin/tenants/a/quotas", Key: h.Secret[privacy.RoleOperator], Body: `{"requests_per_second": 0}`})
	h.Clock.Advance(time.Second)
	if got := list(analyst); got.Code() != privacy.CodeRateLimited {
		t.Errorf("a quota of nothing: %s", got)
	}
}
