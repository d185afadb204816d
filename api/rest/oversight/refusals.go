package oversight

import (
	"context"
	"maps"

	"github.com/noised/noised/api/rest/operation"
	"github.com/noised/noised/api/rest/skeleton"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/audit"
)

// ListRefusals lists refusals: all of them to those who belong to no tenant, and to
// a tenant's people what concerns it.
func (h Handlers) ListRefusals(ctx context.Context, r skeleton.ListRefusalsRequestObject) (skeleton.ListRefusalsResponseObject, error) {
	p, q := operation.Principal(ctx), r.Params
	search := audit.Search{
		Tenant: wire.ValueOf(q.Tenant), Principal: wire.ValueOf(q.Principal), Operation: wire.ValueOf(q.Operation), Code: privacy.Code(wire.ValueOf(q.Code)),
		From: wire.ValueOf(q.From), To: wire.ValueOf(q.To), Cursor: wire.ValueOf(q.Cursor), Limit: wire.PageSize(q.Limit),
	}
	if p.Tenant != "" {
		if search.Tenant != "" {
			if err := operation.CheckOwn(p, search.Tenant); err != nil {
				return nil, err
			}
		}
		own, err := h.Tenants.Tenant(ctx, p.Tenant)
		if err != nil {
			return nil, err
		}
		search.Tenant, search.Since = p.Tenant, own.CreatedAt
	}
	items, next, err := h.Audit.Search(ctx, search)
	if err != nil {
		return nil, err
	}
	return skeleton.ListRefusals200JSONResponse{Items: wire.List(items, func(r audit.Refusal) wire.Refusal { return refusalOf(r, p.Tenant) }), Next: wire.Optional(next)}, nil
}

// refusalOf shows a refusal to a tenant, or whole to those who belong to none. Of
// what others did a tenant learns who they are by an opaque id, and no name of
// another tenant; whom else a refusal concerns would tell that an id exists, and
// whose it is.
func refusalOf(r audit.Refusal, viewer string) wire.Refusal {
	out := wire.Refusal{
		ID: r.ID, At: r.At, Code: string(r.Code), Operation: wire.Optional(r.Operation), Principal: wire.Optional(r.Principal),
		Tenant: wire.Optional(r.Tenant), Params: r.Params, Address: wire.Optional(r.Address), Request: wire.Optional(r.Request),
	}
	if out.Params == nil {
		out.Params = map[string]string{}
	}
	if viewer == "" {
		out.Tenants, out.Missing = r.Concerned, wire.Optional(r.Missing)
		return out
	}
	if r.Tenant == viewer {
		return out
	}
	out.Foreign, out.Tenant = true, nil
	if named, ok := out.Params["tenant"]; ok && named != viewer {
		out.Params = maps.Clone(out.Params)
		out.Params["tenant"] = audit.Unnamed
	}
	return out
}
