package query

import (
	"context"

	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/analytics/showing"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/containment"
)

// Releases lists the releases that the principal asked for, newest first.
func (s *Service) Releases(ctx context.Context, p privacy.Principal, cursor string, limit int) ([]release.Release, string, error) {
	if err := mayQuery(p); err != nil {
		return nil, "", err
	}
	return s.store.List(ctx, p.ID, cursor, limit)
}

// Release returns one of the principal's releases, as the view that the
// principal asked for first. It is free.
func (s *Service) Release(ctx context.Context, p privacy.Principal, id string) (*showing.Answer, error) {
	if err := mayQuery(p); err != nil {
		return nil, err
	}
	reading, err := s.store.Read(ctx, p.ID, id)
	if err != nil {
		return nil, err
	}
	if err := s.containment.Check(ctx, containment.Touches{Principal: p, Dataset: reading.Dataset}); err != nil {
		return nil, err
	}
	out, err := showing.Read(reading)
	if err != nil {
		return nil, err
	}
	out.Cached = true
	return out, nil
}
