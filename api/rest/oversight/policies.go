package oversight

import (
	"context"

	"github.com/noised/noised/api/rest/operation"
	"github.com/noised/noised/api/rest/skeleton"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy/policy"
)

// PutPolicies puts a set of policies in force.
func (h Handlers) PutPolicies(ctx context.Context, r skeleton.PutPoliciesRequestObject) (skeleton.PutPoliciesResponseObject, error) {
	files := policy.Files{}
	if r.JSONBody != nil {
		files = r.JSONBody.Files
	} else if r.TextBody != nil {
		files["policies.cedar"] = *r.TextBody
	}
	v, set, err := h.Policies.Put(ctx, files, operation.Principal(ctx))
	if err != nil {
		return nil, err
	}
	return skeleton.PutPolicies200JSONResponse{Version: v.Number, Policies: set.IDs()}, nil
}

// GetPolicies shows a version of the policies.
func (h Handlers) GetPolicies(ctx context.Context, r skeleton.GetPoliciesRequestObject) (skeleton.GetPoliciesResponseObject, error) {
	v, err := h.Policies.Version(ctx, wire.ValueOf(r.Params.Version))
	if err != nil {
		return nil, err
	}
	w := h.versionOf(v)
	return skeleton.GetPolicies200JSONResponse{
		Version: w.Version, Source: wire.PolicyTextSource(w.Source), CreatedAt: w.CreatedAt, CreatedBy: w.CreatedBy, InForce: w.InForce, Files: v.Files,
	}, nil
}

// ListPolicyVersions lists the versions of the policies.
func (h Handlers) ListPolicyVersions(ctx context.Context, _ skeleton.ListPolicyVersionsRequestObject) (skeleton.ListPolicyVersionsResponseObject, error) {
	all, err := h.Policies.Versions(ctx)
	if err != nil {
		return nil, err
	}
	return skeleton.ListPolicyVersions200JSONResponse{Items: wire.List(all, h.versionOf)}, nil
}

func (h Handlers) versionOf(v policy.Version) wire.PolicyVersion {
	return wire.PolicyVersion{
		Version: v.Number, Source: wire.PolicyVersionSource(v.Source), CreatedAt: v.CreatedAt, CreatedBy: wire.Optional(v.CreatedBy),
		InForce: v.Number == h.Policies.InForce(),
	}
}
