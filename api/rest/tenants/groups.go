package tenants

import (
	"context"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/api/rest/operation"
	"github.com/noised/noised/privacy"
)

// openGroup refuses a tenant's own key for a group that a contract lets ask: who
// is in it is what its members agreed to, and so the operator's to say.
func (h Handlers) openGroup(ctx context.Context, group string, by privacy.Principal) error {
	if group == "" || by.Is(privacy.RoleOperator) {
		return nil
	}
	all, err := h.Catalog.Datasets(ctx)
	if err != nil {
		return err
	}
	for _, d := range all {
		latest := d.Contract
		if d.Latest != latest.Version {
			if latest, err = h.Catalog.Contract(ctx, d.Name, d.Latest); err != nil {
				return err
			}
		}
		for _, c := range []*contract.Contract{d.Contract, latest} {
			if c.Analysts != nil && c.MayAsk(group) {
				return privacy.Errorf(privacy.CodeForbidden, "the contract of a dataset lets the group %q ask: its keys are the operator's to create", group)
			}
		}
	}
	return nil
}

// mayReplace refuses a tenant to replace its key of such a group: whoever is given
// the new one would be in the group, and for as long as the tenant goes on replacing.
func (h Handlers) mayReplace(ctx context.Context, tenant, id string) error {
	all, err := h.Keys.List(ctx, tenant)
	if err != nil {
		return err
	}
	for _, k := range all {
		if k.ID == id {
			return h.openGroup(ctx, k.Group, operation.Principal(ctx))
		}
	}
	return nil // there is no such key, which is for Rotate to say
}
