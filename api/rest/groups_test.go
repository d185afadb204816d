package rest

import (
	"context"
	"testing"

	"github.com/noised/noised/analytics/contractparse"
	"github.com/noised/noised/api/authn"
	"github.com/noised/noised/privacy"
)

// meanwhile does something between the look at the contracts and the creation of a
// key.
type meanwhile struct {
	Keys
	do func()
}

func (m meanwhile) Create(ctx context.Context, r authn.KeyRequest, by privacy.Principal) (authn.Key, string, error) {
	m.do()
	return m.Keys.Create(ctx, r, by)
}

// TestAGroupIsNotFilledWhileItIsLetIn: a contract that lets a group ask and a
// tenant's key for it come at the same time, and there is no such key afterwards.
func TestAGroupIsNotFilledWhileItIsLetIn(t *testing.T) {
	var o *Options
	h := newHarness(t, func(options *Options) {
		o = options
		options.Keys = meanwhile{options.Keys, func() {
			doc := []byte(contractText(t) + "\nanalysts: [lab]\n")
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
	got := h.do(ask{method: "POST", path: "/v1/admin/tenants/a/keys", key: h.secret[privacy.RoleTenantAdmin], body: body})
	if got.code() != privacy.CodeForbidden {
		t.Errorf("%s", got)
	}
	all, err := h.keys.List(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range all {
		if k.Group == "lab" && k.RevokedAt == nil {
			t.Error("the key is there")
		}
	}
}
