package datasets

import (
	"context"

	"github.com/noised/noised/api/rest/operation"
	"github.com/noised/noised/api/rest/proposals"
	"github.com/noised/noised/api/rest/skeleton"
)

// PutMember accepts a version of a contract for the caller's tenant.
func (h Handlers) PutMember(ctx context.Context, r skeleton.PutMemberRequestObject) (skeleton.PutMemberResponseObject, error) {
	p, err := h.Consent.Accept(ctx, r.Dataset, r.Tenant, r.Body.Version, operation.Principal(ctx))
	if err != nil {
		return nil, err
	}
	if p != nil {
		return skeleton.PutMember202JSONResponse{WaitsJSONResponse: proposals.Waits(p)}, nil
	}
	return skeleton.PutMember200JSONResponse{Dataset: r.Dataset, Tenant: r.Tenant, Version: r.Body.Version}, nil
}

// DeleteMember ends the membership of the caller's tenant.
func (h Handlers) DeleteMember(ctx context.Context, r skeleton.DeleteMemberRequestObject) (skeleton.DeleteMemberResponseObject, error) {
	if err := h.Catalog.Leave(ctx, r.Dataset, r.Tenant, operation.Principal(ctx)); err != nil {
		return nil, err
	}
	return skeleton.DeleteMember204Response{}, nil
}
