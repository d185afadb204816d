package oversight

import (
	"context"

	"github.com/noised/noised/api/rest/operation"
	"github.com/noised/noised/api/rest/skeleton"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy/containment"
)

// PutSuspension suspends something.
func (h Handlers) PutSuspension(ctx context.Context, r skeleton.PutSuspensionRequestObject) (skeleton.PutSuspensionResponseObject, error) {
	v, err := h.Containment.Suspend(ctx, string(r.Kind), r.Name, r.Body.Reason, operation.Principal(ctx))
	if err != nil {
		return nil, err
	}
	return skeleton.PutSuspension200JSONResponse(suspensionOf(v)), nil
}

// DeleteSuspension lifts a suspension.
func (h Handlers) DeleteSuspension(ctx context.Context, r skeleton.DeleteSuspensionRequestObject) (skeleton.DeleteSuspensionResponseObject, error) {
	if err := h.Containment.Lift(ctx, string(r.Kind), r.Name, operation.Principal(ctx)); err != nil {
		return nil, err
	}
	return skeleton.DeleteSuspension204Response{}, nil
}

// ListSuspensions lists what is suspended, as far as it is the caller's to know.
func (h Handlers) ListSuspensions(ctx context.Context, _ skeleton.ListSuspensionsRequestObject) (skeleton.ListSuspensionsResponseObject, error) {
	all, err := h.Containment.List(ctx, operation.Principal(ctx))
	if err != nil {
		return nil, err
	}
	return skeleton.ListSuspensions200JSONResponse{Items: wire.List(all, suspensionOf)}, nil
}

func suspensionOf(v containment.Suspension) wire.Suspension {
	return wire.Suspension{
		Kind: wire.SuspensionKind(v.Kind), Name: v.Name, Owner: wire.Optional(v.Owner), Reason: wire.Optional(v.Reason), By: v.By, Since: v.Since,
	}
}
