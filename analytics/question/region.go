package question

import (
	"slices"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/residency"
)

// leaveOut narrows a question to the tenants whose rows may be read here, where
// the caller asked for that.
func (p *Preparer) leaveOut(q *question) error {
	if q.request.OnElsewhere != OnElsewhereExclude {
		return nil
	}
	asked := q.request.Tenants
	if asked == nil {
		asked = q.dataset.Active()
	}
	away := p.elsewhere(q.dataset, asked)
	if len(away) == 0 {
		return nil
	}
	q.request.Tenants = slices.DeleteFunc(slices.Clone(asked), func(t string) bool { return slices.Contains(away, t) })
	if len(q.request.Tenants) == 0 {
		return residency.Refusal(away...)
	}
	return nil
}

// resident refuses a plan that would read rows of tenants of other regions. It
// follows from names alone, and comes before anything is charged or read: a plan
// that was charged elsewhere is not run here either.
func (p *Preparer) resident(d catalog.Dataset, tenants []string) error {
	if away := p.elsewhere(d, tenants); len(away) > 0 {
		return residency.Refusal(away...)
	}
	return nil
}

// elsewhere returns the members among some tenants that belong to other regions.
func (p *Preparer) elsewhere(d catalog.Dataset, tenants []string) (away []string) {
	if p.Regions.All() {
		return nil
	}
	for _, m := range d.Members {
		if !p.Regions.Serve(m.Region) && slices.Contains(tenants, m.Tenant) {
			away = append(away, m.Tenant)
		}
	}
	return away
}
