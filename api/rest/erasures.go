package rest

import (
	"context"

	"github.com/noised/noised/api/rest/skeleton"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/ingest/erase"
	"github.com/noised/noised/privacy"
)

// Erasures takes people out of data. Its methods answer CodeNotFound for erasures of
// another tenant than the one they are called for.
type Erasures interface {
	Create(ctx context.Context, r erase.Request) (erase.Erasure, error)
	Get(ctx context.Context, tenant, id string) (erase.Erasure, error)
	List(ctx context.Context, tenant, cursor string, limit int) ([]erase.Erasure, string, error)
}

// CreateErasure accepts a request to erase people from the data of the caller's tenant.
func (s *server) CreateErasure(ctx context.Context, r skeleton.CreateErasureRequestObject) (skeleton.CreateErasureResponseObject, error) {
	by := callOf(ctx).principal
	if t := valueOf(r.Params.Tenant); t != "" && !by.Owns(t) {
		return nil, privacy.Errorf(privacy.CodeForbidden, "this key belongs to another tenant")
	}
	e, err := s.Erasures.Create(ctx, erase.Request{Dataset: r.Dataset, Tenant: by.Tenant, Units: r.Body.Units, By: by})
	if err != nil {
		return nil, err
	}
	return skeleton.CreateErasure202JSONResponse{Body: erasureOf(e), Headers: skeleton.CreateErasure202ResponseHeaders{Location: "/v1/erasures/" + e.ID}}, nil
}

// ListErasures lists the erasures of the caller's tenant.
func (s *server) ListErasures(ctx context.Context, r skeleton.ListErasuresRequestObject) (skeleton.ListErasuresResponseObject, error) {
	items, next, err := s.Erasures.List(ctx, callOf(ctx).principal.Tenant, valueOf(r.Params.Cursor), pageSize(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	return skeleton.ListErasures200JSONResponse{Items: mapped(items, erasureOf), Next: optional(next)}, nil
}

// GetErasure shows an erasure of the caller's tenant.
func (s *server) GetErasure(ctx context.Context, r skeleton.GetErasureRequestObject) (skeleton.GetErasureResponseObject, error) {
	e, err := s.Erasures.Get(ctx, callOf(ctx).principal.Tenant, r.Erasure)
	if err != nil {
		return nil, err
	}
	return skeleton.GetErasure200JSONResponse(erasureOf(e)), nil
}

func erasureOf(e erase.Erasure) wire.Erasure {
	out := wire.Erasure{
		ID: e.ID, Tenant: e.Tenant, Dataset: e.Dataset, State: wire.ErasureState(e.State), Units: e.Units,
		Generation: optional(e.Generation), Commitment: optional(e.Commitment), Nonce: optional(e.Nonce), CreatedAt: e.CreatedAt, FinishedAt: e.FinishedAt,
	}
	if e.Generation != "" {
		out.RowsErased = &e.RowsErased
	}
	if f := e.Error; f != nil {
		k := kindOf(f.Code)
		out.Error = &wire.Problem{Type: problemType(f.Code), Title: k.title, Status: k.status, Detail: optional(f.Message)}
	}
	return out
}
