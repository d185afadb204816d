package edge_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/analytics/query"
	"github.com/noised/noised/api/rest"
	"github.com/noised/noised/api/rest/resttest"
	"github.com/noised/noised/privacy"
)

const slot = 10 * time.Millisecond

func onSlots(o *rest.Options) { o.Limits.ResponseSlot = slot }

// took returns what the access log says that a request took. The harness's clock
// stands still, so that only a slot makes it more than zero.
func took(h *resttest.Harness, a resttest.Answer) string {
	return h.Log.Find("msg=request request=" + a.Header.Get("X-Request-Id") + ` .*took=(\S+)`)[1]
}

// Whatever may follow the reading of rows leaves on a slot; what was decided
// before, and what reads no rows, leaves at once.
func TestWhatIsHeld(t *testing.T) {
	h := resttest.New(t, onSlots)
	analyst := h.Secret[privacy.RoleAnalyst]
	post := resttest.Ask{Method: "POST", Path: "/v1/query", Key: analyst, Body: `{"sql": "x"}`}
	with := func(a resttest.Ask, change func(*resttest.Ask)) resttest.Ask { change(&a); return a }
	exhausted := privacy.Errorf(privacy.CodeBudgetExhausted, "no")
	for _, c := range []struct {
		name   string
		ask    resttest.Ask
		err    error
		status int
		held   bool
	}{
		{"a release", post, nil, 200, true},
		{"a release by URL", resttest.Ask{Method: "GET", Path: "/v1/query?sql=x", Key: analyst}, nil, 200, true},
		{"a first answer", with(post, func(a *resttest.Ask) { a.Header = resttest.Once("k") }), nil, 200, true},
		{"the same again", with(post, func(a *resttest.Ask) { a.Header = resttest.Once("k") }), nil, 200, true},
		{"a failed run", post, privacy.Internal(errors.New("disk on fire"), "run"), 500, true},
		{"a failed run that will be repeatable", with(post, func(a *resttest.Ask) { a.Header = resttest.Once("l") }), errors.New("memory"), 500, true},
		{"a run that is not ready", post, privacy.Errorf(privacy.CodeUnavailable, "later"), 503, true},
		{"a run that took too long", post, context.DeadlineExceeded, 503, true},
		{"a refusal behind a charge", post, exhausted, 429, true},
		{"a refusal before any charge", post, query.Refusal(exhausted), 429, false},
		{"a failure that could be at any step", post, query.Refusal(errors.New("disk on fire")), 500, true},
		{"an unknown caller", with(post, func(a *resttest.Ask) { a.Key = "" }), nil, 401, false},
		{"a wrong role", with(post, func(a *resttest.Ask) { a.Key = h.Secret[privacy.RoleOperator] }), nil, 403, false},
		{"a request outside the document", with(post, func(a *resttest.Ask) { a.Body = "{" }), nil, 400, false},
		{"a key of another request", with(post, func(a *resttest.Ask) { a.Header, a.Body = resttest.Once("k"), `{"sql": "y"}` }), nil, 422, false},
		{"an explanation", with(post, func(a *resttest.Ask) { a.Path = "/v1/explain" }), nil, 200, false},
		{"a stored release", resttest.Ask{Method: "GET", Path: "/v1/releases/rel_1", Key: analyst}, nil, 200, false},
	} {
		h.Queries.Fail(c.err)
		got := h.Do(c.ask)
		want := "0s"
		if c.held {
			want = slot.String()
		}
		if took := took(h, got); got.Status != c.status || took != want {
			t.Errorf("%s: took %s, want %s; %s, want %d", c.name, took, want, got, c.status)
		}
	}
}

// Logs and metrics know how many slots a query took, and no more.
func TestARunThatMissesItsSlotLeavesWithTheNext(t *testing.T) {
	h := resttest.New(t, onSlots)
	var total time.Duration
	for _, c := range []struct{ runs, took time.Duration }{
		{3 * time.Millisecond, 10 * time.Millisecond},
		{7 * time.Millisecond, 10 * time.Millisecond},
		{8 * time.Millisecond, 20 * time.Millisecond}, // ready within the guard
		{31 * time.Millisecond, 40 * time.Millisecond},
	} {
		h.Queries.Run = func(context.Context) { h.Clock.Advance(c.runs) }
		got := h.Do(resttest.Ask{Method: "GET", Path: "/v1/query?sql=x", Key: h.Secret[privacy.RoleAnalyst]})
		if took := took(h, got); took != c.took.String() {
			t.Errorf("a run of %s took %s, want %s", c.runs, took, c.took)
		}
		total += c.took
	}
	families, err := h.Metrics.Gather()
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
	h := resttest.New(t, onSlots)
	h.Queries.Run = func(context.Context) { panic("value of a private row: 42") }
	got := h.Do(resttest.Ask{Method: "POST", Path: "/v1/query", Key: h.Secret[privacy.RoleAnalyst], Body: `{"sql": "x"}`})
	if got.Status != 500 || took(h, got) != slot.String() || strings.Contains(h.Log.String(), "private row") {
		t.Errorf("took %s: %s\n%s", took(h, got), got, h.Log)
	}
}

// Nobody waits for the slot of a caller that has hung up. If somebody did, this
// test would not end.
func TestAHangUpEndsTheWait(t *testing.T) {
	h := resttest.New(t, func(o *rest.Options) { o.Limits.ResponseSlot = 24 * time.Hour })
	ctx, hangUp := context.WithCancel(t.Context())
	h.Queries.Run = func(context.Context) { hangUp() }
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL+"/v1/query?sql=x", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+h.Secret[privacy.RoleAnalyst])
	if res, err := http.DefaultClient.Do(req); err == nil {
		res.Body.Close()
		t.Errorf("answered %s before its slot", res.Status)
	}
	h.Stop()
}

// Failures after planning are told apart by nothing: not by their text, their
// size or their headers.
func TestFailuresLookAlike(t *testing.T) {
	h := resttest.New(t)
	var first string
	for i, err := range []error{
		privacy.Internal(errors.New("out of memory"), "run"), errors.New("row 12 is not a number"),
		privacy.Internal(privacy.Errorf(privacy.CodeConflict, "nested"), "x"), query.Refusal(errors.New("disk")),
	} {
		h.Queries.Fail(err)
		got := h.Do(resttest.Ask{Method: "POST", Path: "/v1/query", Key: h.Secret[privacy.RoleAnalyst], Body: `{"sql": "x"}`})
		id := got.Header.Get("X-Request-Id")
		got.Header.Del("Date")
		var shape strings.Builder
		shape.Write(got.Body)
		if err := got.Header.Write(&shape); err != nil {
			t.Fatal(err)
		}
		look := strings.ReplaceAll(shape.String(), id, strings.Repeat("x", len(id)))
		if i == 0 {
			first = look
		}
		if look != first || got.Status != 500 {
			t.Errorf("%v looks like\n%s\nand not like\n%s", err, look, first)
		}
	}
}
