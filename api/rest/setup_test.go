package rest_test

import (
	"strings"
	"testing"

	"github.com/noised/noised/api/rest/resttest"
	"github.com/noised/noised/privacy"
)

// TestSettingUpADataset walks the way from nothing to a dataset with a member
// and budgets, over the real catalog, ledger and keys.
func TestSettingUpADataset(t *testing.T) {
	h := resttest.New(t)
	operator, admin, budget := h.Secret[privacy.RoleOperator], h.Secret[privacy.RoleTenantAdmin], h.Secret[privacy.RoleBudgetAdmin]
	text := resttest.Contract(t)
	yaml := map[string]string{"Content-Type": "application/yaml"}
	steps := []struct {
		name string
		ask  resttest.Ask
		want int
		code privacy.Code
	}{
		{"a tenant", resttest.Ask{Method: "POST", Path: "/v1/admin/tenants", Key: operator, Body: `{"name": "c", "region": "eu"}`}, 201, ""},
		{"the same tenant", resttest.Ask{Method: "POST", Path: "/v1/admin/tenants", Key: operator, Body: `{"name": "c"}`}, 409, privacy.CodeConflict},
		{"deleting it", resttest.Ask{Method: "DELETE", Path: "/v1/admin/tenants/c", Key: operator}, 204, ""},
		{"deleting it again", resttest.Ask{Method: "DELETE", Path: "/v1/admin/tenants/c", Key: operator}, 404, privacy.CodeNotFound},
		{"a budget for no dataset", resttest.Ask{Method: "PUT", Path: "/v1/admin/datasets/insteval/budget", Key: operator, Body: `{"epsilon": 1, "delta": 1e-6}`}, 404, privacy.CodeUnknownDataset},
		{"a contract", resttest.Ask{Method: "POST", Path: "/v1/admin/datasets", Key: operator, Body: text, Header: yaml}, 201, ""},
		{"the same version", resttest.Ask{Method: "POST", Path: "/v1/admin/datasets", Key: operator, Body: text, Header: yaml}, 409, privacy.CodeConflict},
		{"the next version", resttest.Ask{Method: "POST", Path: "/v1/admin/datasets", Key: operator, Body: strings.Replace(text, "version: 1", "version: 2", 1), Header: yaml}, 201, ""},
		{"accepting no version", resttest.Ask{Method: "PUT", Path: "/v1/admin/datasets/insteval/members/a", Key: admin, Body: `{"version": 9}`}, 404, privacy.CodeNotFound},
		{"accepting no dataset", resttest.Ask{Method: "PUT", Path: "/v1/admin/datasets/zzz/members/a", Key: admin, Body: `{"version": 1}`}, 404, privacy.CodeUnknownDataset},
		{"accepting", resttest.Ask{Method: "PUT", Path: "/v1/admin/datasets/insteval/members/a", Key: admin, Body: `{"version": 1}`}, 200, ""},
		{"the dataset", resttest.Ask{Method: "GET", Path: "/v1/datasets/insteval", Key: h.Secret[privacy.RoleAnalyst]}, 200, ""},
		{"its next version", resttest.Ask{Method: "GET", Path: "/v1/datasets/insteval?version=2", Key: admin}, 200, ""},
		{"no such version", resttest.Ask{Method: "GET", Path: "/v1/datasets/insteval?version=3", Key: admin}, 404, privacy.CodeNotFound},
		{"no such dataset", resttest.Ask{Method: "GET", Path: "/v1/datasets/zzz", Key: admin}, 404, privacy.CodeUnknownDataset},
		{"the datasets", resttest.Ask{Method: "GET", Path: "/v1/datasets", Key: operator}, 200, ""},
		{"a budget for the dataset", resttest.Ask{Method: "PUT", Path: "/v1/admin/datasets/insteval/budget", Key: operator, Body: `{"epsilon": 2, "delta": 1e-6, "window": "week", "lifetime": {"epsilon": 8, "delta": 1e-6}}`}, 200, ""},
		{"a budget beyond the ceiling", resttest.Ask{Method: "PUT", Path: "/v1/admin/datasets/insteval/budget", Key: operator, Body: `{"epsilon": 9, "delta": 1e-6}`}, 409, privacy.CodeConflict},
		{"the dataset's budget", resttest.Ask{Method: "GET", Path: "/v1/admin/datasets/insteval/budget", Key: operator}, 200, ""},
		{"a budget for the tenant", resttest.Ask{Method: "PUT", Path: "/v1/admin/tenants/a/budget", Key: budget, Body: `{"epsilon": 3, "delta": 1e-6,
			"per_dataset": {"insteval": {"epsilon": 1, "delta": 1e-7}, "default": {"epsilon": 0.5, "delta": 1e-7}},
			"per_principal": {"default": {"epsilon": 2, "delta": 1e-7}}, "per_group": {"acme": {"epsilon": 2, "delta": 1e-7}}}`}, 200, ""},
		{"a budget for a group of no valid name", resttest.Ask{Method: "PUT", Path: "/v1/admin/tenants/a/budget", Key: budget, Body: `{"epsilon": 3, "delta": 1e-6, "per_group": {"A B": {"epsilon": 1, "delta": 1e-7}}}`}, 400, privacy.CodeInvalidRequest},
		{"the tenant's charges", resttest.Ask{Method: "GET", Path: "/v1/admin/tenants/a/charges?limit=5", Key: budget}, 200, ""},
		{"a cursor that is none", resttest.Ask{Method: "GET", Path: "/v1/admin/tenants/a/charges?cursor=zzz", Key: budget}, 400, privacy.CodeInvalidRequest},
		{"leaving", resttest.Ask{Method: "DELETE", Path: "/v1/admin/datasets/insteval/members/a", Key: admin}, 204, ""},
		{"a key", resttest.Ask{Method: "POST", Path: "/v1/admin/tenants/a/keys", Key: admin, Body: `{"role": "contributor", "expires_at": "2027-01-01T00:00:00Z"}`}, 201, ""},
		{"a key of a group", resttest.Ask{Method: "POST", Path: "/v1/admin/tenants/a/keys", Key: admin, Body: `{"role": "analyst", "group": "acme"}`}, 201, ""},
		{"the keys", resttest.Ask{Method: "GET", Path: "/v1/admin/tenants/a/keys", Key: admin}, 200, ""},
	}
	for _, s := range steps {
		if got := h.Do(s.ask); got.Status != s.want || s.code != "" && got.Code() != s.code {
			t.Errorf("%s: %s, want %d %s", s.name, got, s.want, s.code)
		}
	}
}

func TestTheDocumentIsServed(t *testing.T) {
	h := resttest.New(t)
	doc := resttest.Into[map[string]any](t, h.Do(resttest.Ask{Method: "GET", Path: "/v1/openapi.json"}))
	if doc["openapi"] != "3.1.0" || len(doc["paths"].(map[string]any)) < 20 || doc["security"] == nil {
		t.Errorf("openapi %v with %d paths", doc["openapi"], len(doc["paths"].(map[string]any)))
	}
}
