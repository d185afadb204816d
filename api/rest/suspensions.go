package rest

import (
	"context"

	"github.com/noised/noised/api/rest/skeleton"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/containment"
)

// Containment knows what is suspended, and whose it is to suspend what.
type Containment interface {
	Check(ctx context.Context, t containment.Touches) error
	DatasetsSuspended() bool
	Suspend(ctx context.Context, kind, name, reason string, by privacy.Principal) (containment.Suspension, error)
	Lift(ctx context.Context, kind, name string, by privacy.Principal) error
	List(ctx context.Context, p privacy.Principal) ([]containment.Suspension, error)
}

// PutSuspension suspends something.
func (s *server) PutSuspension(ctx context.Context, r skeleton.PutSuspensionRequestObject) (skeleton.PutSuspensionResponseObject, error) {
	v, err := s.Containment.Suspend(ctx, string(r.Kind), r.Name, r.Body.Reason, callOf(ctx).principal)
	if err != nil {
		return nil, err
	}
	return skeleton.PutSuspension200JSONResponse(suspensionOf(v)), nil
}

// DeleteSuspension lifts a suspension.
func (s *server) DeleteSuspension(ctx context.Context, r skeleton.DeleteSuspensionRequestObject) (skeleton.DeleteSuspensionResponseObject, error) {
	if err := s.Containment.Lift(ctx, string(r.Kind), r.Name, callOf(ctx).principal); err != nil {
		return nil, err
	}
	return skeleton.DeleteSuspension204Response{}, nil
}

// ListSuspensions lists what is suspended, as far as it is the caller's to know.
func (s *server) ListSuspensions(ctx context.Context, _ skeleton.ListSuspensionsRequestObject) (skeleton.ListSuspensionsResponseObject, error) {
	all, err := s.Containment.List(ctx, callOf(ctx).principal)
	if err != nil {
		return nil, err
	}
	return skeleton.ListSuspensions200JSONResponse{Items: mapped(all, suspensionOf)}, nil
}

func suspensionOf(v containment.Suspension) wire.Suspension {
	return wire.Suspension{
		Kind: wire.SuspensionKind(v.Kind), Name: v.Name, Owner: optional(v.Owner), Reason: optional(v.Reason), By: v.By, Since: v.Since,
	}
}
