package rest

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/analytics/query"
	"github.com/noised/noised/privacy"
)

const slot = 10 * time.Millisecond

func onSlots(o *Options) { o.ResponseSlot = slot }

// took returns what the access log says that a request took. The harness's clock
// stands still, so that only a slot makes it more than zero.
func (h *harness) took(a answer) string {
	return h.log.find("msg=request request=" + a.header.Get("X-Request-Id") + ` .*took=(\S+)`)[1]
}

// Whatever may follow the reading of rows leaves on a slot; what was decided
// before, and what reads no rows, leaves at once.
func TestWhatIsHeld(t *testing.T) {
	h := newHarness(t, onSlots)
	analyst := h.secret[privacy.RoleAnalyst]
	post := ask{method: "POST", path: "/v1/query", key: analyst, body: `{"sql": "x"}`}
	with := func(a ask, change func(*ask)) ask { change(&a); return a }
	exhausted := privacy.Errorf(privacy.CodeBudgetExhausted, "no")
	for _, c := range []struct {
		name   string
		ask    ask
		err    error
		status int
		held   bool
	}{
		{"a release", post, nil, 200, true},
		{"a release by URL", ask{method: "GET", path: "/v1/query?sql=x", key: analyst}, nil, 200, true},
		{"a first answer", with(post, func(a *ask) { a.header = once("k") }), nil, 200, true},
		{"the same again", with(post, func(a *ask) { a.header = once("k") }), nil, 200, true},
		{"a failed run", post, privacy.Internal(errors.New("disk on fire"), "run"), 500, true},
		{"a failed run that will be repeatable", with(post, func(a *ask) { a.header = once("l") }), errors.New("memory"), 500, true},
		{"a run that is not ready", post, privacy.Errorf(privacy.CodeUnavailable, "later"), 503, true},
		{"a run that took too long", post, context.DeadlineExceeded, 503, true},
		{"a refusal behind a charge", post, exhausted, 429, true},
		{"a refusal before any charge", post, query.Refusal(exhausted), 429, false},
		{"a failure that could be at any step", post, query.Refusal(errors.New("disk on fire")), 500, true},
		{"an unknown caller", with(post, func(a *ask) { a.key = "" }), nil, 401, false},
		{"a wrong role", with(post, func(a *ask) { a.key = h.secret[privacy.RoleOperator] }), nil, 403, false},
		{"a request outside the document", with(post, func(a *ask) { a.body = "{" }), nil, 400, false},
		{"a key of another request", with(post, func(a *ask) { a.header, a.body = once("k"), `{"sql": "y"}` }), nil, 422, false},
		{"an explanation", with(post, func(a *ask) { a.path = "/v1/explain" }), nil, 200, false},
		{"a stored release", ask{method: "GET", path: "/v1/releases/rel_1", key: analyst}, nil, 200, false},
	} {
		h.queries.fail(c.err)
		got := h.do(c.ask)
		want := "0s"
		if c.held {
			want = slot.String()
		}
		if took := h.took(got); got.status != c.status || took != want {
			t.Errorf("%s: took %s, want %s; %s, want %d", c.name, took, want, got, c.status)
		}
	}
}

// Logs and metrics know how many slots a query took, and no more.
func TestARunThatMissesItsSlotLeavesWithTheNext(t *testing.T) {
	h := newHarness(t, onSlots)
	var total time.Duration
	for _, c := range []struct{ runs, took time.Duration }{
		{3 * time.Millisecond, 10 * time.Millisecond},
		{7 * time.Millisecond, 10 * time.Millisecond},
		{8 * time.Millisecond, 20 * time.Millisecond}, // ready within the guard
		{31 * time.Millisecond, 40 * time.Millisecond},
	} {
		h.queries.run = func(context.Context) { h.clock.advance(c.runs) }
		got := h.do(ask{method: "GET", path: "/v1/query?sql=x", key: h.secret[privacy.RoleAnalyst]})
		if took := h.took(got); took != c.took.String() {
			t.Errorf("a run of %s took %s, want %s", c.runs, took, c.took)
		}
		total += c.took
	}
	families, err := h.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "noised_http_request_seconds" {
			continue
		}
		if got := f.GetMetric()[0].GetHistogram().GetSampleSum(); time.Duration(got*1e9+0.5) != total {
			t.Errorf("the metrics add up to %g s, want %s", got, total)
		}
		return
	}
	t.Error("durations are not measured")
}

// A panic of the handler is held like every other failure behind a charge, and
// is answered and logged as without slots.
func TestAPanicIsHeldToo(t *testing.T) {
	h := newHarness(t, onSlots)
	h.queries.run = func(context.Context) { panic("value of a private row: 42") }
	got := h.do(ask{method: "POST", path: "/v1/query", key: h.secret[privacy.RoleAnalyst], body: `{"sql": "x"}`})
	if got.status != 500 || h.took(got) != slot.String() || strings.Contains(h.log.String(), "private row") {
		t.Errorf("took %s: %s\n%s", h.took(got), got, h.log)
	}
}

// Nobody waits for the slot of a caller that has hung up. If somebody did, this
// test would not end.
func TestAHangUpEndsTheWait(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.ResponseSlot = 24 * time.Hour })
	ctx, hangUp := context.WithCancel(t.Context())
	h.queries.run = func(context.Context) { hangUp() }
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.url+"/v1/query?sql=x", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+h.secret[privacy.RoleAnalyst])
	if res, err := http.DefaultClient.Do(req); err == nil {
		res.Body.Close()
		t.Errorf("answered %s before its slot", res.Status)
	}
	h.stop()
}

// Failures after planning are told apart by nothing: not by their text, their
// size or their headers.
func TestFailuresLookAlike(t *testing.T) {
	h := newHarness(t)
	var first string
	for i, err := range []error{
		privacy.Internal(errors.New("out of memory"), "run"), errors.New("row 12 is not a number"),
		privacy.Internal(privacy.Errorf(privacy.CodeConflict, "nested"), "x"), query.Refusal(errors.New("disk")),
	} {
		h.queries.fail(err)
		got := h.do(ask{method: "POST", path: "/v1/query", key: h.secret[privacy.RoleAnalyst], body: `{"sql": "x"}`})
		id := got.header.Get("X-Request-Id")
		got.header.Del("Date")
		var shape strings.Builder
		shape.Write(got.body)
		if err := got.header.Write(&shape); err != nil {
			t.Fatal(err)
		}
		look := strings.ReplaceAll(shape.String(), id, strings.Repeat("x", len(id)))
		if i == 0 {
			first = look
		}
		if look != first || got.status != 500 {
			t.Errorf("%v looks like\n%s\nand not like\n%s", err, look, first)
		}
	}
}
