package containment

import (
	"slices"
	"time"

	"github.com/noised/noised/privacy"
)

// set is all suspensions at one moment. It never changes.
type set struct {
	change     int64 // the number that the store had
	everything bool
	tenants    map[string]bool // by operators: principals and rows
	paused     map[string]bool // by themselves: rows only
	datasets   map[string]bool
	deleted    map[string]bool // datasets that are no more
	latest     time.Time       // when the last of these was deleted
	principals map[string][]mark
}

// mark is one suspension of a principal.
type mark struct {
	owner    string // the tenant for which it may not act; empty: it may not act at all
	detector bool
}

func newSet(change int64, all []Suspension, gone []deletion) *set {
	s := &set{
		change: change, tenants: map[string]bool{}, paused: map[string]bool{}, datasets: map[string]bool{}, deleted: map[string]bool{},
		principals: map[string][]mark{},
	}
	for _, d := range gone {
		s.deleted[d.dataset] = true
		if d.at.After(s.latest) {
			s.latest = d.at
		}
	}
	for _, v := range all {
		switch v.Kind {
		case KindEverything:
			s.everything = true
		case KindTenant:
			if v.Owner == "" {
				s.tenants[v.Name] = true
			} else {
				s.paused[v.Name] = true
			}
		case KindDataset:
			s.datasets[v.Name] = true
		case KindPrincipal:
			s.principals[v.Name] = append(s.principals[v.Name], mark{v.Owner, v.By == Detector})
		}
	}
	return s
}

// refusal says why what is touched must not go on; nil if it may.
func (s *set) refusal(t Touches) error {
	data := t.Dataset != "" || len(t.Tenants) > 0
	switch p := t.Principal; {
	case s.everything && (data || !p.Is(privacy.RoleOperator)):
		return suspended("everything is suspended; only operators may call, to lift that")
	case slices.ContainsFunc(s.principals[p.ID], func(m mark) bool { return m.stops(p) }):
		return suspended("this principal is suspended")
	case s.tenants[p.Tenant]:
		return suspended("tenant %q is suspended", p.Tenant)
	case s.deleted[t.Dataset]:
		return suspended("dataset %q was deleted", t.Dataset)
	case s.datasets[t.Dataset]:
		return suspended("dataset %q is suspended", t.Dataset)
	case slices.ContainsFunc(t.Tenants, func(tenant string) bool { return s.tenants[tenant] || s.paused[tenant] }):
		return suspended("a tenant whose rows this needs is suspended")
	}
	return nil
}

// stops reports whether a suspension of a principal holds for a call of its.
func (m mark) stops(p privacy.Principal) bool {
	if m.detector && p.Is(privacy.RoleOperator) {
		return false
	}
	return m.owner == "" || m.owner == p.Tenant
}

func suspended(format string, args ...any) error {
	return privacy.Errorf(privacy.CodeSuspended, format, args...)
}

// Is reports whether an error is a refusal for a suspension, or since a dataset was
// deleted.
func Is(err error) bool { return privacy.CodeOf(err) == privacy.CodeSuspended }
