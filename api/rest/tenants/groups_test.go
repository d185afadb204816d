package tenants_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/noised/noised/analytics/contractparse"
	"github.com/noised/noised/api/authn"
	"github.com/noised/noised/api/rest"
	"github.com/noised/noised/api/rest/resttest"
	"github.com/noised/noised/api/rest/tenants"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
)

// meanwhile does something between the look at the contracts and the creation of a
// key.
type meanwhile struct {
	tenants.Keys
	do func()
}

func (m meanwhile) Create(ctx context.Context, r authn.KeyRequest, by privacy.Principal) (authn.Key, string, error) {
	m.do()
	return m.Keys.Create(ctx, r, by)
}

// TestAGroupIsNotFilledWhileItIsLetIn: a contract that lets a group ask and a
// tenant's key for it come at the same time, and there is no such key afterwards.
func TestAGroupIsNotFilledWhileItIsLetIn(t *testing.T) {
	var o *rest.Options
	h := resttest.New(t, func(options *rest.Options) {
		o = options
		options.Keys = meanwhile{options.Keys, func() {
			doc := []byte(resttest.Contract(t) + "\nanalysts: [lab]\n")
			c, err := contractparse.Parse(doc)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := o.Consent.PutDataset(t.Context(), c, doc, authn.System()); err != nil {
				t.Fatal(err)
			}
		}}
	})
	body := `{"role": "analyst", "group": "lab"}`
	got := h.Do(resttest.Ask{Method: "POST", Path: "/v1/admin/tenants/a/keys", Key: h.Secret[privacy.RoleTenantAdmin], Body: body})
	if got.Code() != privacy.CodeForbidden {
		t.Errorf("%s", got)
	}
	all, err := h.Keys.List(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range all {
		if k.Group == "lab" && k.RevokedAt == nil {
			t.Error("the key is there")
		}
	}
}

// Who is in a group that a contract names is not for one tenant to say.
func TestGroupsThatMayAskAreTheOperators(t *testing.T) {
	h := resttest.New(t)
	for _, step := range []struct {
		path, body, media string
		as                privacy.Role
		want              int
	}{
		{"/v1/admin/datasets", resttest.Contract(t) + "\nanalysts: [lab]\n", wire.TypeYAML, privacy.RoleOperator, http.StatusCreated},
		{"/v1/admin/tenants/a/keys", `{"role": "analyst", "group": "lab"}`, wire.TypeJSON, privacy.RoleTenantAdmin, http.StatusForbidden},
		{"/v1/admin/tenants/a/keys", `{"role": "analyst", "group": "ours"}`, wire.TypeJSON, privacy.RoleTenantAdmin, http.StatusCreated},
		{"/v1/admin/keys", `{"role": "analyst", "group": "lab"}`, wire.TypeJSON, privacy.RoleOperator, http.StatusCreated},
	} {
		got := h.Do(resttest.Ask{Method: "POST", Path: step.path, Key: h.Secret[step.as], Body: step.body, Header: map[string]string{"Content-Type": step.media}})
		if got.Status != step.want {
			t.Fatalf("%s of %s: %s, want %d", step.path, step.body, got, step.want)
		}
	}
}

// Nor does a tenant get into such a group by replacing a key that the operator made
// for one of its people, however long ago that ended.
func TestAKeyOfSuchAGroupIsTheOperatorsToReplace(t *testing.T) {
	h := resttest.New(t)
	operator, admin := h.Secret[privacy.RoleOperator], h.Secret[privacy.RoleTenantAdmin]
	create := func(path, key, group string) string {
		tenant := ""
		if key == operator {
			tenant = `"tenant": "a", `
		}
		return resttest.Into[wire.NewKey](t, h.Do(resttest.Ask{Method: "POST", Path: path, Key: key, Body: `{"role": "analyst", ` + tenant + `"group": "` + group + `"}`})).ID
	}
	lab, ours := create("/v1/admin/keys", operator, "lab"), create("/v1/admin/tenants/a/keys", admin, "ours")
	doc := resttest.Ask{Method: "POST", Path: "/v1/admin/datasets", Key: operator, Body: resttest.Contract(t) + "\nanalysts: [lab]\n", Header: map[string]string{"Content-Type": wire.TypeYAML}}
	if got := h.Do(doc); got.Status != http.StatusCreated {
		t.Fatal(got)
	}
	for _, c := range []struct {
		path, key string
		want      int
	}{
		{"/v1/admin/tenants/a/keys/" + lab, admin, http.StatusForbidden},
		{"/v1/admin/tenants/a/keys/" + ours, admin, http.StatusCreated},
		{"/v1/admin/tenants/a/keys/key_none", admin, http.StatusNotFound},
		{"/v1/admin/keys/" + lab, operator, http.StatusCreated},
	} {
		if got := h.Do(resttest.Ask{Method: "POST", Path: c.path + "/rotate", Key: c.key, Body: `{}`}); got.Status != c.want {
			t.Errorf("%s: %s, want %d", c.path, got, c.want)
		}
	}
}
