package provenance

import (
	"context"

	"github.com/noised/noised/analytics/lineage"
	"github.com/noised/noised/api/rest/operation"
	"github.com/noised/noised/api/rest/skeleton"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
)

// GetReleaseLineage shows where a release comes from to whoever was served it.
func (h Handlers) GetReleaseLineage(ctx context.Context, r skeleton.GetReleaseLineageRequestObject) (skeleton.GetReleaseLineageResponseObject, error) {
	found, err := h.Lineage.ForReader(ctx, operation.Principal(ctx).ID, r.Release)
	if err != nil {
		return nil, err
	}
	return skeleton.GetReleaseLineage200JSONResponse(releaseLineage(found)), nil
}

// GetTenantReleaseLineage shows what a release took from the caller's tenant, and
// everything to those who belong to none.
func (h Handlers) GetTenantReleaseLineage(ctx context.Context, r skeleton.GetTenantReleaseLineageRequestObject) (skeleton.GetTenantReleaseLineageResponseObject, error) {
	var found lineage.Release
	var err error
	switch p := operation.Principal(ctx); {
	case p.Tenant != "":
		found, err = h.Lineage.ForTenant(ctx, p.Tenant, r.Release)
	case p.Is(privacy.RoleOperator):
		found, err = h.Lineage.ForOperator(ctx, r.Release)
	default:
		found, err = h.Lineage.ForAuditor(ctx, r.Release)
	}
	if err != nil {
		return nil, err
	}
	return skeleton.GetTenantReleaseLineage200JSONResponse(releaseLineage(found)), nil
}

// GetLoadLineage shows which releases a load of the caller's tenant fed.
func (h Handlers) GetLoadLineage(ctx context.Context, r skeleton.GetLoadLineageRequestObject) (skeleton.GetLoadLineageResponseObject, error) {
	found, err := h.Lineage.FromLoad(ctx, operation.Principal(ctx).Tenant, r.Load)
	if err != nil {
		return nil, err
	}
	return skeleton.GetLoadLineage200JSONResponse(loadLineage(found)), nil
}

// releaseLineage is a release's lineage as events: the query's run, then those of
// the loads.
func releaseLineage(r lineage.Release) wire.LineageEvents {
	out := wire.LineageEvents{Complete: r.Complete, Truncated: r.More, Events: []wire.RunEvent{queryEvent(r)}}
	for _, l := range r.Loads {
		out.Events = append(out.Events, loadEvent(l))
	}
	return out
}

// loadLineage is a load's lineage as events: its own run, then those of the
// queries, each with what it read of this load's tenant and table.
func loadLineage(f lineage.Fed) wire.LineageEvents {
	out := wire.LineageEvents{Complete: f.Complete, Truncated: f.More, Events: []wire.RunEvent{loadEvent(f.Load)}}
	for _, u := range f.Releases {
		out.Events = append(out.Events, useEvent(f.Load, u))
	}
	return out
}
