package edge_test

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/api/idempotency"
	"github.com/noised/noised/api/rest/resttest"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
)

func TestARepeatedPostHasOneEffectAndOneAnswer(t *testing.T) {
	h := resttest.New(t)
	create := resttest.Ask{Method: "POST", Path: "/v1/admin/keys", Key: h.Secret[privacy.RoleOperator], Body: `{"role": "analyst", "name": "once"}`, Header: resttest.Once("k1")}
	first := h.Do(create)
	if first.Status != 201 {
		t.Fatal(first)
	}
	before, err := h.Keys.List(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		again := h.Do(create)
		if again.Status != 201 || !bytes.Equal(again.Body, first.Body) || again.Header.Get("Content-Type") != first.Header.Get("Content-Type") {
			t.Errorf("got  %s\nwant %s", again, first)
		}
	}
	after, err := h.Keys.List(t.Context(), "")
	if err != nil || len(after) != len(before) {
		t.Errorf("%d keys, then %d (%v)", len(before), len(after), err)
	}
	other := create
	other.Body = `{"role": "auditor"}`
	if got := h.Do(other); got.Status != 422 || got.Code() != privacy.CodeIdempotencyMismatch {
		t.Errorf("another Body: %s", got)
	}
	elsewhere := resttest.Ask{Method: "POST", Path: "/v1/admin/tenants", Key: create.Key, Body: `{"name": "c"}`, Header: resttest.Once("k1")}
	if got := h.Do(elsewhere); got.Code() != privacy.CodeIdempotencyMismatch {
		t.Errorf("another Path: %s", got)
	}
	h.Clock.Advance(idempotency.Retention + time.Second)
	if got := h.Do(create); got.Status != 201 || bytes.Equal(got.Body, first.Body) {
		t.Errorf("a day later: %s", got)
	}
}

func TestTheStoreDoesNotHoldTheKeyItAnsweredWith(t *testing.T) {
	h := resttest.New(t)
	got := h.Do(resttest.Ask{Method: "POST", Path: "/v1/admin/keys", Key: h.Secret[privacy.RoleOperator], Body: `{"role": "analyst", "name": "whisper"}`, Header: resttest.Once("plain-idempotency-key")})
	secret := resttest.Into[wire.NewKey](t, got).Key
	for _, suffix := range []string{"", "-wal"} {
		raw, err := os.ReadFile(h.DBPath + suffix)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		for _, hidden := range []string{secret, strings.TrimPrefix(secret, "noised_"), "plain-idempotency-key", h.Secret[privacy.RoleOperator]} {
			if bytes.Contains(raw, []byte(hidden)) {
				t.Errorf("control.db%s holds %q", suffix, hidden)
			}
		}
	}
}

func TestKeysBelongToTheirPrincipal(t *testing.T) {
	h := resttest.New(t)
	other, _ := h.Key(privacy.RoleOperator, "")
	create := resttest.Ask{Method: "POST", Path: "/v1/admin/keys", Key: h.Secret[privacy.RoleOperator], Body: `{"role": "analyst"}`, Header: resttest.Once("k")}
	first := h.Do(create)
	create.Key = other
	if got := h.Do(create); got.Status != 201 || bytes.Equal(got.Body, first.Body) {
		t.Errorf("another principal got %s", got)
	}
}

func TestErrorsAreNotKept(t *testing.T) {
	h := resttest.New(t)
	q := resttest.Ask{Method: "POST", Path: "/v1/query", Key: h.Secret[privacy.RoleAnalyst], Body: `{"sql": "x"}`, Header: resttest.Once("k")}
	h.Queries.Fail(privacy.Errorf(privacy.CodeUnavailable, "later"))
	if got := h.Do(q); got.Status != 503 {
		t.Fatal(got)
	}
	h.Queries.Fail(nil)
	if got := h.Do(q); got.Status != 200 {
		t.Errorf("after the failure: %s", got)
	}
	if n := h.Queries.Count(); n != 2 {
		t.Errorf("asked %d times, want 2", n)
	}
	if got := h.Do(q); got.Status != 200 || h.Queries.Count() != 2 {
		t.Errorf("after the success: %s, asked %d times", got, h.Queries.Count())
	}
	if key := h.Queries.Last().IdempotencyKey; key != "k" {
		t.Errorf("the service was told %q", key)
	}
}

func TestAnotherFormOfTheSameQueryIsAskedAgain(t *testing.T) {
	h := resttest.New(t)
	q := resttest.Ask{Method: "POST", Path: "/v1/query", Key: h.Secret[privacy.RoleAnalyst], Body: `{"sql": "x"}`, Header: map[string]string{"Idempotency-Key": "k", "Accept": wire.TypeCSV}}
	first := h.Do(q)
	if again := h.Do(q); !bytes.Equal(first.Body, again.Body) || again.Header.Get("Noised-Release") != "rel_1" || h.Queries.Count() != 1 {
		t.Errorf("%s, asked %d times", again, h.Queries.Count())
	}
	q.Header["Accept"] = wire.TypeJSON
	if got := h.Do(q); got.Header.Get("Content-Type") != wire.TypeJSON || h.Queries.Count() != 2 || h.Queries.Last().IdempotencyKey != "k" {
		t.Errorf("%s, asked %d times", got, h.Queries.Count())
	}
}

func TestAnAnswerTooLargeToKeepIsAskedAgain(t *testing.T) {
	h := resttest.New(t)
	h.Queries.Rows = idempotency.MaxAnswer / 8
	q := resttest.Ask{Method: "POST", Path: "/v1/query", Key: h.Secret[privacy.RoleAnalyst], Body: `{"sql": "x"}`, Header: resttest.Once("k")}
	first := h.Do(q)
	if len(first.Body) <= idempotency.MaxAnswer {
		t.Fatalf("the resttest.Answer has %d bytes only", len(first.Body))
	}
	if again := h.Do(q); again.Status != 200 || !bytes.Equal(first.Body, again.Body) || h.Queries.Count() != 2 || h.Queries.Last().IdempotencyKey != "k" {
		t.Errorf("status %d, asked %d times", again.Status, h.Queries.Count())
	}
	q.Body = `{"sql": "y"}`
	if got := h.Do(q); got.Code() != privacy.CodeIdempotencyMismatch {
		t.Errorf("another Body: %d", got.Status)
	}
}

// A query that is being answered may be asked again, since its charge knows the
// Key: a caller whose server died must not have to wait for a lease.
func TestASecondQueryWhileTheFirstRunsAsksTheServiceToo(t *testing.T) {
	h := resttest.New(t)
	running, proceed := make(chan struct{}, 2), make(chan struct{})
	h.Queries.Run = func(context.Context) {
		running <- struct{}{}
		<-proceed
	}
	q := resttest.Ask{Method: "POST", Path: "/v1/query", Key: h.Secret[privacy.RoleAnalyst], Body: `{"sql": "x"}`, Header: resttest.Once("k")}
	answers := make(chan resttest.Answer, 2)
	for range 2 {
		go func() { answers <- h.Do(q) }()
		<-running
	}
	close(proceed)
	first, second := <-answers, <-answers
	if first.Status != 200 || second.Status != 200 || !bytes.Equal(first.Body, second.Body) {
		t.Errorf("%s\n%s", first, second)
	}
	if got := h.Do(q); !bytes.Equal(got.Body, first.Body) || h.Queries.Count() != 2 || h.Queries.Last().IdempotencyKey != "k" {
		t.Errorf("%s, asked %d times", got, h.Queries.Count())
	}
}
