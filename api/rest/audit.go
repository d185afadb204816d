package rest

import (
	"context"
	"maps"

	"github.com/noised/noised/analytics/residency"
	"github.com/noised/noised/api/rest/skeleton"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/audit"
	"github.com/noised/noised/privacy/containment"
)

// Audit keeps refusals. Record must not wait.
type Audit interface {
	Record(r audit.Refusal)
	Search(ctx context.Context, s audit.Search) ([]audit.Refusal, string, error)
}

// refused puts a refusal on record. The server's own failures are none: rows may
// be behind them.
func (s *server) refused(cl *call, err *privacy.Error) {
	code := err.Code
	if !audit.Refused(code) {
		return
	}
	r := audit.Refusal{
		At: s.now(), Principal: cl.principal.ID, Tenant: cl.principal.Tenant, Operation: cl.operation(), Code: code,
		Params: map[string]string{}, Address: audit.AddressClass(cl.remote), Request: cl.id,
	}
	if cl.op != nil {
		for _, v := range cl.path {
			r.Params[v.Name] = audit.Name(v.Value)
		}
	}
	if cl.guard != "" { // the tenant that an upload is said to be for
		r.Concerned = []string{audit.Name(cl.guard)}
	}
	if r.Params["kind"] == containment.KindTenant { // a suspension's
		r.Concerned = append(r.Concerned, r.Params["name"])
	}
	r.Concerned = append(r.Concerned, residency.Refused(err)...) // whose rows are to stay where they are
	s.Audit.Record(r)
}

// ListRefusals lists refusals: all of them to those who belong to no tenant, and to
// a tenant's people what concerns it.
func (s *server) ListRefusals(ctx context.Context, r skeleton.ListRefusalsRequestObject) (skeleton.ListRefusalsResponseObject, error) {
	p, q := callOf(ctx).principal, r.Params
	search := audit.Search{
		Tenant: valueOf(q.Tenant), Principal: valueOf(q.Principal), Operation: valueOf(q.Operation), Code: privacy.Code(valueOf(q.Code)),
		From: valueOf(q.From), To: valueOf(q.To), Cursor: valueOf(q.Cursor), Limit: pageSize(q.Limit),
	}
	if p.Tenant != "" {
		if search.Tenant != "" && !p.Owns(search.Tenant) {
			return nil, privacy.Errorf(privacy.CodeForbidden, "this key belongs to another tenant")
		}
		own, err := s.Catalog.Tenant(ctx, p.Tenant)
		if err != nil {
			return nil, err
		}
		search.Tenant, search.Since = p.Tenant, own.CreatedAt
	}
	items, next, err := s.Audit.Search(ctx, search)
	if err != nil {
		return nil, err
	}
	return skeleton.ListRefusals200JSONResponse{Items: mapped(items, func(r audit.Refusal) wire.Refusal { return refusalOf(r, p.Tenant) }), Next: optional(next)}, nil
}

// refusalOf shows a refusal to a tenant, or whole to those who belong to none. Of
// what others did a tenant learns who they are by an opaque id, and no name of
// another tenant; whom else a refusal concerns would tell that an id exists, and
// whose it is.
func refusalOf(r audit.Refusal, viewer string) wire.Refusal {
	out := wire.Refusal{
		ID: r.ID, At: r.At, Code: string(r.Code), Operation: optional(r.Operation), Principal: optional(r.Principal),
		Tenant: optional(r.Tenant), Params: r.Params, Address: optional(r.Address), Request: optional(r.Request),
	}
	if out.Params == nil {
		out.Params = map[string]string{}
	}
	if viewer == "" {
		out.Tenants, out.Missing = r.Concerned, optional(r.Missing)
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
