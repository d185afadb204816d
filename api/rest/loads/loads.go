package loads

import (
	"context"

	"github.com/noised/noised/api/rest/operation"
	"github.com/noised/noised/api/rest/problem"
	"github.com/noised/noised/api/rest/skeleton"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/ingest/job"
)

// ListLoads lists the loads of the caller's tenant.
func (h Handlers) ListLoads(ctx context.Context, r skeleton.ListLoadsRequestObject) (skeleton.ListLoadsResponseObject, error) {
	items, next, err := h.Loads.List(ctx, operation.Principal(ctx).Tenant, wire.ValueOf(r.Params.Cursor), wire.PageSize(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	return skeleton.ListLoads200JSONResponse{Items: wire.List(items, loadOf), Next: wire.Optional(next)}, nil
}

// GetLoad shows a load of the caller's tenant.
func (h Handlers) GetLoad(ctx context.Context, r skeleton.GetLoadRequestObject) (skeleton.GetLoadResponseObject, error) {
	load, err := h.Loads.Get(ctx, operation.Principal(ctx).Tenant, r.Load)
	if err != nil {
		return nil, err
	}
	return skeleton.GetLoad200JSONResponse(loadOf(load)), nil
}

// CancelLoad cancels a load of the caller's tenant.
func (h Handlers) CancelLoad(ctx context.Context, r skeleton.CancelLoadRequestObject) (skeleton.CancelLoadResponseObject, error) {
	load, err := h.Loads.Cancel(ctx, operation.Principal(ctx).Tenant, r.Load)
	if err != nil {
		return nil, err
	}
	return skeleton.CancelLoad200JSONResponse(loadOf(load)), nil
}

// GetLoadRejects streams the rejected rows of a load to the tenant whose rows
// they are.
func (h Handlers) GetLoadRejects(ctx context.Context, r skeleton.GetLoadRejectsRequestObject) (skeleton.GetLoadRejectsResponseObject, error) {
	rejects, err := h.Loads.Rejects(ctx, operation.Principal(ctx).Tenant, r.Load)
	if err != nil {
		return nil, err
	}
	return skeleton.GetLoadRejects200ApplicationXNdjsonResponse{Body: rejects}, nil
}

func loadOf(l job.Load) wire.Load {
	out := wire.Load{
		ID: l.ID, LoadID: l.LoadID, Table: wire.Optional(l.Table), DryRun: l.DryRun, IgnoredColumns: l.IgnoredColumns,
		Tenant: l.Tenant, Dataset: l.Dataset, State: wire.LoadState(l.State), Write: wire.LoadWrite(l.Write), Format: l.Format,
		Bytes: l.Bytes, RowsRead: l.RowsRead, RowsLoaded: l.RowsLoaded, RowsRejected: l.RowsRejected,
		Generation: wire.Optional(l.Generation), CreatedAt: l.CreatedAt, FinishedAt: l.FinishedAt,
	}
	if out.IgnoredColumns == nil {
		out.IgnoredColumns = []string{}
	}
	if f := l.Error; f != nil {
		out.Error = problem.Failure(f.Code, f.Message)
	}
	return out
}
