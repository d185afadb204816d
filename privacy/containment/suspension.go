package containment

import (
	"regexp"
	"time"

	"github.com/noised/noised/privacy"
)

// The kinds of what can be suspended.
const (
	KindEverything = "everything" // only operators may call, and nothing runs
	KindTenant     = "tenant"     // its rows are neither read nor added to; its principals are refused unless it said so itself
	KindPrincipal  = "principal"  // it is refused, and what it began is stopped
	KindDataset    = "dataset"    // nobody asks about it, reads its releases or loads into it
)

// All is the one name of [KindEverything].
const All = "all"

// Detector is who suspends by itself, on an alert. It cannot lock operators out:
// they are who would have to undo it.
const Detector = "detector"

// Suspension is one that is in force. The same thing may be suspended twice, by
// operators and by a tenant: each lifts its own.
type Suspension struct {
	Kind, Name string
	Owner      string // the tenant whose it is; empty for the operators'
	Reason     string // free text of whoever suspended; never in the log
	By         string // principal, or Detector
	Since      time.Time
}

// Touches is what a call or a run has to do with. Empty fields touch nothing.
type Touches struct {
	Principal privacy.Principal // on whose behalf
	Dataset   string
	Tenants   []string // whose rows are read or written
}

// reasonLimit is the length in bytes of the longest reason.
const reasonLimit = 500

// principalID is what the id of a principal looks like.
var principalID = regexp.MustCompile(`^[a-z]{3,8}_[A-Za-z0-9_-]{1,64}$`)

// checkName refuses what cannot be the name of a kind of thing.
func checkName(kind, name string) error {
	switch kind {
	case KindEverything:
		if name != All {
			return privacy.Errorf(privacy.CodeInvalidRequest, "everything has the name %q", All)
		}
	case KindPrincipal:
		if !principalID.MatchString(name) {
			return privacy.Errorf(privacy.CodeInvalidRequest, "this is not the id of a principal")
		}
	case KindTenant, KindDataset:
		return privacy.CheckName(kind, name)
	default:
		return privacy.Errorf(privacy.CodeInvalidRequest, "a suspension is of a tenant, a principal, a dataset or everything")
	}
	return nil
}

// owner returns whose suspensions a principal places and lifts. A tenant admin
// acts for its tenant: on the tenant itself, and on principals where they act for
// it.
func owner(kind, name string, by privacy.Principal) (string, error) {
	switch {
	case by.Is(privacy.RoleOperator):
		return "", nil
	case !by.Is(privacy.RoleTenantAdmin) || by.Tenant == "":
		return "", privacy.Errorf(privacy.CodeForbidden, "only operators and tenant admins suspend")
	case kind == KindTenant && !by.Owns(name):
		return "", privacy.Errorf(privacy.CodeForbidden, "this key belongs to another tenant")
	case kind != KindTenant && kind != KindPrincipal:
		return "", privacy.Errorf(privacy.CodeForbidden, "only operators suspend a dataset or everything")
	}
	return by.Tenant, nil
}
