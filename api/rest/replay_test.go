package rest

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/api/idempotency"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
)

func once(key string) map[string]string { return map[string]string{"Idempotency-Key": key} }

func TestARepeatedPostHasOneEffectAndOneAnswer(t *testing.T) {
	h := newHarness(t)
	create := ask{method: "POST", path: "/v1/admin/keys", key: h.secret[privacy.RoleOperator], body: `{"role": "analyst", "name": "once"}`, header: once("k1")}
	first := h.do(create)
	if first.status != 201 {
		t.Fatal(first)
	}
	before, err := h.keys.List(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		again := h.do(create)
		if again.status != 201 || !bytes.Equal(again.body, first.body) || again.header.Get("Content-Type") != first.header.Get("Content-Type") {
			t.Errorf("got  %s\nwant %s", again, first)
		}
	}
	after, err := h.keys.List(t.Context(), "")
	if err != nil || len(after) != len(before) {
		t.Errorf("%d keys, then %d (%v)", len(before), len(after), err)
	}
	other := create
	other.body = `{"role": "auditor"}`
	if got := h.do(other); got.status != 422 || got.code() != privacy.CodeIdempotencyMismatch {
		t.Errorf("another body: %s", got)
	}
	elsewhere := ask{method: "POST", path: "/v1/admin/tenants", key: create.key, body: `{"name": "c"}`, header: once("k1")}
	if got := h.do(elsewhere); got.code() != privacy.CodeIdempotencyMismatch {
		t.Errorf("another path: %s", got)
	}
	h.clock.advance(idempotency.Retention + time.Second)
	if got := h.do(create); got.status != 201 || bytes.Equal(got.body, first.body) {
		t.Errorf("a day later: %s", got)
	}
}

func TestTheStoreDoesNotHoldTheKeyItAnsweredWith(t *testing.T) {
	h := newHarness(t)
	got := h.do(ask{method: "POST", path: "/v1/admin/keys", key: h.secret[privacy.RoleOperator], body: `{"role": "analyst", "name": "whisper"}`, header: once("plain-idempotency-key")})
	secret := into[wire.NewKey](t, got).Key
	for _, suffix := range []string{"", "-wal"} {
		raw, err := os.ReadFile(h.dbPath + suffix)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		for _, hidden := range []string{secret, strings.TrimPrefix(secret, "noised_"), "plain-idempotency-key", h.secret[privacy.RoleOperator]} {
			if bytes.Contains(raw, []byte(hidden)) {
				t.Errorf("control.db%s holds %q", suffix, hidden)
			}
		}
	}
}

func TestKeysBelongToTheirPrincipal(t *testing.T) {
	h := newHarness(t)
	other, _ := h.key(privacy.RoleOperator, "")
	create := ask{method: "POST", path: "/v1/admin/keys", key: h.secret[privacy.RoleOperator], body: `{"role": "analyst"}`, header: once("k")}
	first := h.do(create)
	create.key = other
	if got := h.do(create); got.status != 201 || bytes.Equal(got.body, first.body) {
		t.Errorf("another principal got %s", got)
	}
}

func TestErrorsAreNotKept(t *testing.T) {
	h := newHarness(t)
	q := ask{method: "POST", path: "/v1/query", key: h.secret[privacy.RoleAnalyst], body: `{"sql": "x"}`, header: once("k")}
	h.queries.fail(privacy.Errorf(privacy.CodeUnavailable, "later"))
	if got := h.do(q); got.status != 503 {
		t.Fatal(got)
	}
	h.queries.fail(nil)
	if got := h.do(q); got.status != 200 {
		t.Errorf("after the failure: %s", got)
	}
	if n := h.queries.count(); n != 2 {
		t.Errorf("asked %d times, want 2", n)
	}
	if got := h.do(q); got.status != 200 || h.queries.count() != 2 {
		t.Errorf("after the success: %s, asked %d times", got, h.queries.count())
	}
	if key := h.queries.last().IdempotencyKey; key != "k" {
		t.Errorf("the service was told %q", key)
	}
}

func TestAnotherFormOfTheSameQueryIsAskedAgain(t *testing.T) {
	h := newHarness(t)
	q := ask{method: "POST", path: "/v1/query", key: h.secret[privacy.RoleAnalyst], body: `{"sql": "x"}`, header: map[string]string{"Idempotency-Key": "k", "Accept": wire.TypeCSV}}
	first := h.do(q)
	if again := h.do(q); !bytes.Equal(first.body, again.body) || again.header.Get("Noised-Release") != "rel_1" || h.queries.count() != 1 {
		t.Errorf("%s, asked %d times", again, h.queries.count())
	}
	q.header["Accept"] = wire.TypeJSON
	if got := h.do(q); got.header.Get("Content-Type") != wire.TypeJSON || h.queries.count() != 2 || h.queries.last().IdempotencyKey != "k" {
		t.Errorf("%s, asked %d times", got, h.queries.count())
	}
}

func TestAnAnswerTooLargeToKeepIsAskedAgain(t *testing.T) {
	h := newHarness(t)
	h.queries.rows = idempotency.MaxAnswer / 8
	q := ask{method: "POST", path: "/v1/query", key: h.secret[privacy.RoleAnalyst], body: `{"sql": "x"}`, header: once("k")}
	first := h.do(q)
	if len(first.body) <= idempotency.MaxAnswer {
		t.Fatalf("the answer has %d bytes only", len(first.body))
	}
	if again := h.do(q); again.status != 200 || !bytes.Equal(first.body, again.body) || h.queries.count() != 2 || h.queries.last().IdempotencyKey != "k" {
		t.Errorf("status %d, asked %d times", again.status, h.queries.count())
	}
	q.body = `{"sql": "y"}`
	if got := h.do(q); got.code() != privacy.CodeIdempotencyMismatch {
		t.Errorf("another body: %d", got.status)
	}
}

// A query that is being answered may be asked again, since its charge knows the
// key: a caller whose server died must not have to wait for a lease.
func TestASecondQueryWhileTheFirstRunsAsksTheServiceToo(t *testing.T) {
	h := newHarness(t)
	running, proceed := make(chan struct{}, 2), make(chan struct{})
	h.queries.run = func(context.Context) {
		running <- struct{}{}
		<-proceed
	}
	q := ask{method: "POST", path: "/v1/query", key: h.secret[privacy.RoleAnalyst], body: `{"sql": "x"}`, header: once("k")}
	answers := make(chan answer, 2)
	for range 2 {
		go func() { answers <- h.do(q) }()
		<-running
	}
	close(proceed)
	first, second := <-answers, <-answers
	if first.status != 200 || second.status != 200 || !bytes.Equal(first.body, second.body) {
		t.Errorf("%s\n%s", first, second)
	}
	if got := h.do(q); !bytes.Equal(got.body, first.body) || h.queries.count() != 2 || h.queries.last().IdempotencyKey != "k" {
		t.Errorf("%s, asked %d times", got, h.queries.count())
	}
}
