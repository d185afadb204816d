package job

import (
	"context"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/containment"
)

// touches is what must not be suspended for a load to run: whose rows they are,
// where they go, and who sent them.
func touches(j record) containment.Touches {
	t := containment.Touches{Principal: privacy.Principal{ID: j.by, Role: privacy.RoleOperator}, Dataset: j.Dataset}
	if j.Tenant != catalog.Public {
		t.Principal.Role, t.Principal.Tenant, t.Tenants = privacy.RoleContributor, j.Tenant, []string{j.Tenant}
	}
	return t
}

// contained makes one attempt of a load, and ends it when something is suspended
// that it touches: such a load has failed, and publishes nothing.
func (s *Service) contained(ctx context.Context, j *record, dir string) error {
	tracked, done, err := s.o.Containment.Track(ctx, touches(*j))
	if err != nil {
		return err
	}
	defer done()
	err = s.attempt(tracked, j, dir)
	if cause := context.Cause(tracked); err != nil && containment.Is(cause) {
		return cause
	}
	return err
}
