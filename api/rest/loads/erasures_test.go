package loads_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/noised/noised/api/authn"
	"github.com/noised/noised/api/rest/resttest"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
)

// The resttest.Answer to a request says where to ask, and is the same for the same key; the nonce
// is in it and nowhere else.
func TestErasuresAreAnswered(t *testing.T) {
	h := resttest.New(t)
	contributor := h.Secret[privacy.RoleContributor]
	post := func(body string) resttest.Answer {
		return h.Do(resttest.Ask{
			Method: http.MethodPost, Path: "/v1/datasets/insteval/erasures?tenant=a", Key: contributor, Body: body, Header: map[string]string{"Idempotency-Key": "k"},
		})
	}
	first := post(`{"units": ["1", "2"]}`)
	var e wire.Erasure
	if first.Status != http.StatusAccepted || first.Header.Get("Location") != "/v1/erasures/ers_1" || json.Unmarshal([]byte(first.Body), &e) != nil || e.Units == nil || *e.Units != 2 || e.Nonce == nil {
		t.Fatal(first)
	}
	if again := post(`{"units": ["1", "2"]}`); again.Status != first.Status || string(again.Body) != string(first.Body) {
		t.Error(again)
	}
	if other := post(`{"units": ["3"]}`); other.Status != http.StatusUnprocessableEntity {
		t.Error(other)
	}
	for _, path := range []string{"/v1/erasures", "/v1/erasures/ers_1"} {
		if got := h.Do(resttest.Ask{Method: http.MethodGet, Path: path, Key: contributor}); got.Status != http.StatusOK || !strings.Contains(string(got.Body), "ask again") || strings.Contains(string(got.Body), "nonce") {
			t.Error(path, got)
		}
	}
	if got := h.Do(resttest.Ask{Method: http.MethodGet, Path: "/v1/erasures/ers_2", Key: contributor}); got.Status != http.StatusNotFound {
		t.Error(got)
	}
	for _, body := range []string{`{}`, `{"units": []}`, `{"units": [1]}`, `{"units": [""]}`, `{"units": ["1"], "why": "x"}`} {
		if got := h.Do(resttest.Ask{Method: http.MethodPost, Path: "/v1/datasets/insteval/erasures", Key: contributor, Body: body}); got.Status != http.StatusBadRequest {
			t.Error(body, got)
		}
	}
	other := h.Do(resttest.Ask{Method: http.MethodPost, Path: "/v1/datasets/insteval/erasures?tenant=b", Key: contributor, Body: `{"units": ["1"]}`})
	if other.Status != http.StatusForbidden {
		t.Error(other)
	}
}

// Tenant admins and auditors of the tenant see that people were erased, not how many they
// were nor how many rows they had. An auditor of no tenant has the log.
func TestErasuresAreShownWithoutCounts(t *testing.T) {
	h := resttest.New(t)
	_, all, err := h.Keys.Create(t.Context(), authn.KeyRequest{Role: privacy.RoleAuditor}, authn.System())
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/v1/erasures", "/v1/erasures/ers_1"} {
		for role, counts := range map[privacy.Role]bool{privacy.RoleContributor: true, privacy.RoleTenantAdmin: false, privacy.RoleAuditor: false} {
			got := h.Do(resttest.Ask{Method: http.MethodGet, Path: path, Key: h.Secret[role]})
			body := string(got.Body)
			if got.Status != http.StatusOK || !strings.Contains(body, `"state":"failed"`) ||
				strings.Contains(body, `"units":2`) != counts || strings.Contains(body, `"rows_erased":5`) != counts {
				t.Errorf("%s as %s: %s", path, role, got)
			}
			if got := h.Do(resttest.Ask{Method: http.MethodGet, Path: path, Key: h.Foreign[role]}); strings.Contains(string(got.Body), "ers_1") {
				t.Errorf("%s as %s of another tenant: %s", path, role, got)
			}
		}
		if got := h.Do(resttest.Ask{Method: http.MethodGet, Path: path, Key: all}); got.Status != http.StatusForbidden {
			t.Errorf("%s as an auditor of none: %s", path, got)
		}
	}
}
