package resttest

import (
	"encoding/json"
	"slices"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/audit"
)

// Recorded returns what is on record of a request, by its answer.
func (h *Harness) Recorded(a Answer) []audit.Refusal {
	h.T.Helper()
	all, _, err := h.Audit.Search(h.T.Context(), audit.Search{Limit: 10_000})
	if err != nil {
		h.T.Fatal(err)
	}
	return slices.DeleteFunc(all, func(r audit.Refusal) bool { return r.Request != a.Header.Get("X-Request-Id") })
}

// Refused demands that a request is on record as what it was, once.
func (h *Harness) Refused(what string, a Answer, operation string, concerned ...string) {
	h.T.Helper()
	got := h.Recorded(a)
	if len(got) != 1 {
		h.T.Errorf("%s: %s has %d rows, want one", what, a, len(got))
		return
	}
	if r := got[0]; r.Code != a.Code() || r.Operation != operation || r.Address != "loopback" || !slices.Equal(r.Concerned, append([]string{}, concerned...)) {
		h.T.Errorf("%s: on record as %+v, want %s of %s, concerning %v", what, r, a.Code(), operation, concerned)
	}
}

// Rule puts policies in force beside a permit for everything.
func (h *Harness) Rule(text string) Answer {
	h.T.Helper()
	body, err := json.Marshal(map[string]any{"files": map[string]string{"p.cedar": "permit (principal, action, resource);\n" + text}})
	if err != nil {
		h.T.Fatal(err)
	}
	got := h.Do(Ask{Method: "PUT", Path: "/v1/admin/policies", Key: h.Secret[privacy.RoleOperator], Body: string(body)})
	if got.Status != 200 {
		h.T.Fatalf("%s: %s", text, got)
	}
	return got
}
