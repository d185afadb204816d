package e2e

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/api/wire"
)

// TestAnswersLeaveOnSlots asks questions that take very different times, in
// every way that a query can be asked and can end. No answer may come before the
// first boundary, and what the log says about durations are whole slots; what
// was refused before any charge is not held. A release cannot be listed before
// its own boundary, which is half a slot after the charge.
func TestAnswersLeaveOnSlots(t *testing.T) {
	const slot = 60 * time.Millisecond
	s := newSite(t, "--response-slot", slot.String(), "--log-level", "info")
	s.budget(generous)
	if strings.Contains(s.Log(), "response slots are off") {
		t.Errorf("the log says that slots are off:\n%s", s.Log())
	}
	counted := s.query(wire.QueryRequest{SQL: "SELECT COUNT(*) AS n FROM insteval", Epsilon: ptr(0.5)})
	keyed := s.query(wire.QueryRequest{SQL: "SELECT service, AVG(rating) AS r FROM insteval GROUP BY service"})
	keyed.header = map[string]string{"Idempotency-Key": "k"}
	for _, c := range []struct {
		name   string
		ask    request
		status int
		held   bool
	}{
		{"a quick run", counted, http.StatusOK, true},
		{"the same again", counted, http.StatusOK, true},
		{"a long run", s.query(wire.QueryRequest{SQL: "SELECT lecturer, COUNT(*) AS n, AVG(rating) AS r FROM insteval GROUP BY lecturer"}), http.StatusOK, true},
		{"by URL", request{key: s.Analyst, method: http.MethodGet, path: "/v1/query?sql=SELECT+AVG(rating)+AS+r+FROM+insteval"}, http.StatusOK, true},
		{"under a key", keyed, http.StatusOK, true},
		{"under the same key", keyed, http.StatusOK, true},
		{"a refusal", s.query(wire.QueryRequest{SQL: "SELECT student FROM insteval"}), http.StatusUnprocessableEntity, false},
		{"no such ε", s.query(wire.QueryRequest{SQL: "SELECT COUNT(*) AS n FROM insteval", Epsilon: ptr(600.0)}), http.StatusUnprocessableEntity, false},
		{"a price", request{key: s.Analyst, method: http.MethodPost, path: "/v1/explain", body: counted.body}, http.StatusOK, false},
	} {
		began := time.Now()
		a := s.call(c.ask)
		if took := time.Since(began); a.status != c.status || c.held && took < slot {
			t.Errorf("%s: %d after %s, want %d, not before %s: %s", c.name, a.status, took, c.status, slot, a.body)
		}
		logged := s.logged(a.header.Get("X-Request-Id"))
		if whole := logged%slot == 0 && logged >= slot; whole != c.held {
			t.Errorf("%s: the log says that it took %s", c.name, logged)
		}
	}
	releases, err := s.api(s.Analyst).Releases(t.Context(), "", 100)
	check(t, err)
	charges, err := s.api(s.Budget[s.Tenants[0]]).Charges(t.Context(), s.Tenants[0], "", 100)
	check(t, err)
	if len(releases.Items) != len(charges.Items) || len(releases.Items) < 4 {
		t.Fatalf("%d releases for %d charges", len(releases.Items), len(charges.Items))
	}
	for i, r := range releases.Items {
		if held := r.CreatedAt.Sub(charges.Items[i].At); *charges.Items[i].Release != r.ID || held < slot/2 {
			t.Errorf("release %s was stored %s after the charge of %s", r.ID, held, *charges.Items[i].Release)
		}
	}
}

// logged waits for the line of the access log about a request, which follows its
// answer, and returns the duration in it.
func (s *site) logged(id string) time.Duration {
	s.t.Helper()
	line := regexp.MustCompile(`msg=request request=` + id + ` .* took=(\S+)`)
	return eventually(s.t, func() (time.Duration, bool) {
		m := line.FindStringSubmatch(s.Log())
		if m == nil {
			return 0, false
		}
		took, err := time.ParseDuration(m[1])
		check(s.t, err)
		return took, true
	})
}
