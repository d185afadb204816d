package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/ingest/erase"
	"github.com/noised/noised/privacy"
)

// fakeErasures has one erasure, which belongs to the tenant a.
type fakeErasures struct{}

func (fakeErasures) Create(_ context.Context, r erase.Request) (erase.Erasure, error) {
	return erase.Erasure{
		ID: "ers_1", Tenant: r.Tenant, Dataset: r.Dataset, State: erase.StatePending, Units: int64(len(r.Units)), Nonce: "00", Commitment: "11", CreatedAt: time.Unix(0, 0).UTC(),
	}, nil
}

func (fakeErasures) Get(_ context.Context, tenant, id string) (erase.Erasure, error) {
	if tenant != "a" || id != "ers_1" {
		return erase.Erasure{}, privacy.Errorf(privacy.CodeNotFound, "there is no such erasure")
	}
	return erase.Erasure{
		ID: id, Tenant: tenant, Dataset: "insteval", State: erase.StateFailed, Units: 2, CreatedAt: time.Unix(0, 0).UTC(),
		Error: &erase.Failure{Code: privacy.CodeConflict, Message: "ask again"},
	}, nil
}

func (f fakeErasures) List(ctx context.Context, tenant, _ string, _ int) ([]erase.Erasure, string, error) {
	e, err := f.Get(ctx, tenant, "ers_1")
	return []erase.Erasure{e}, "", err
}

// The answer to a request says where to ask, and is the same for the same key; the nonce
// is in it and nowhere else.
func TestErasuresAreAnswered(t *testing.T) {
	h := newHarness(t)
	contributor := h.secret[privacy.RoleContributor]
	post := func(body string) answer {
		return h.do(ask{
			method: http.MethodPost, path: "/v1/datasets/insteval/erasures?tenant=a", key: contributor, body: body, header: map[string]string{"Idempotency-Key": "k"},
		})
	}
	first := post(`{"units": ["1", "2"]}`)
	var e wire.Erasure
	if first.status != http.StatusAccepted || first.header.Get("Location") != "/v1/erasures/ers_1" || json.Unmarshal([]byte(first.body), &e) != nil || e.Units != 2 || e.Nonce == nil {
		t.Fatal(first)
	}
	if again := post(`{"units": ["1", "2"]}`); again.status != first.status || string(again.body) != string(first.body) {
		t.Error(again)
	}
	if other := post(`{"units": ["3"]}`); other.status != http.StatusUnprocessableEntity {
		t.Error(other)
	}
	for _, path := range []string{"/v1/erasures", "/v1/erasures/ers_1"} {
		if got := h.do(ask{method: http.MethodGet, path: path, key: contributor}); got.status != http.StatusOK || !strings.Contains(string(got.body), "ask again") || strings.Contains(string(got.body), "nonce") {
			t.Error(path, got)
		}
	}
	if got := h.do(ask{method: http.MethodGet, path: "/v1/erasures/ers_2", key: contributor}); got.status != http.StatusNotFound {
		t.Error(got)
	}
	for _, body := range []string{`{}`, `{"units": []}`, `{"units": [1]}`, `{"units": [""]}`, `{"units": ["1"], "why": "x"}`} {
		if got := h.do(ask{method: http.MethodPost, path: "/v1/datasets/insteval/erasures", key: contributor, body: body}); got.status != http.StatusBadRequest {
			t.Error(body, got)
		}
	}
	other := h.do(ask{method: http.MethodPost, path: "/v1/datasets/insteval/erasures?tenant=b", key: contributor, body: `{"units": ["1"]}`})
	if other.status != http.StatusForbidden {
		t.Error(other)
	}
}
