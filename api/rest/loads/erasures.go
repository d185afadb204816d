package loads

import (
	"context"

	"github.com/noised/noised/api/rest/operation"
	"github.com/noised/noised/api/rest/problem"
	"github.com/noised/noised/api/rest/skeleton"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/ingest/erase"
	"github.com/noised/noised/privacy"
)

// CreateErasure accepts a request to erase people from the data of the caller's tenant.
func (h Handlers) CreateErasure(ctx context.Context, r skeleton.CreateErasureRequestObject) (skeleton.CreateErasureResponseObject, error) {
	by := operation.Principal(ctx)
	if t := wire.ValueOf(r.Params.Tenant); t != "" && !by.Owns(t) {
		return nil, privacy.Errorf(privacy.CodeForbidden, "this key belongs to another tenant")
	}
	e, err := h.Erasures.Create(ctx, erase.Request{Dataset: r.Dataset, Tenant: by.Tenant, Units: r.Body.Units, By: by})
	if err != nil {
		return nil, err
	}
	return skeleton.CreateErasure202JSONResponse{Body: erasureOf(e), Headers: skeleton.CreateErasure202ResponseHeaders{Location: "/v1/erasures/" + e.ID}}, nil
}

// ListErasures lists the erasures of the caller's tenant.
func (h Handlers) ListErasures(ctx context.Context, r skeleton.ListErasuresRequestObject) (skeleton.ListErasuresResponseObject, error) {
	items, next, err := h.Erasures.List(ctx, operation.Principal(ctx).Tenant, wire.ValueOf(r.Params.Cursor), wire.PageSize(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	return skeleton.ListErasures200JSONResponse{Items: wire.List(items, erasureOf), Next: wire.Optional(next)}, nil
}

// GetErasure shows an erasure of the caller's tenant.
func (h Handlers) GetErasure(ctx context.Context, r skeleton.GetErasureRequestObject) (skeleton.GetErasureResponseObject, error) {
	e, err := h.Erasures.Get(ctx, operation.Principal(ctx).Tenant, r.Erasure)
	if err != nil {
		return nil, err
	}
	return skeleton.GetErasure200JSONResponse(erasureOf(e)), nil
}

func erasureOf(e erase.Erasure) wire.Erasure {
	out := wire.Erasure{
		ID: e.ID, Tenant: e.Tenant, Dataset: e.Dataset, State: wire.ErasureState(e.State), Units: e.Units,
		Generation: wire.Optional(e.Generation), Commitment: wire.Optional(e.Commitment), Nonce: wire.Optional(e.Nonce), CreatedAt: e.CreatedAt, FinishedAt: e.FinishedAt,
	}
	if e.Generation != "" {
		out.RowsErased = &e.RowsErased
	}
	if f := e.Error; f != nil {
		out.Error = problem.Failure(f.Code, f.Message)
	}
	return out
}
