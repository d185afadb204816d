package quota

import (
	"github.com/noised/noised/privacy"
)

// Kind is one quota.
type Kind int

// The quotas.
const (
	StoredBytes       Kind = iota // of data in force, and of uploads that wait
	LoadsWaiting                  // uploads whose load has not begun
	LoadsRunning                  // loads at a time
	Queries                       // queries at a time, with those that wait for a turn
	RequestsPerSecond             // of all principals of the tenant
	kinds
)

// Kinds lists all quotas.
func Kinds() []Kind {
	return []Kind{StoredBytes, LoadsWaiting, LoadsRunning, Queries, RequestsPerSecond}
}

// String returns the name by which a quota is set, stored and shown.
func (k Kind) String() string {
	switch k {
	case StoredBytes:
		return "stored_bytes"
	case LoadsWaiting:
		return "loads_waiting"
	case LoadsRunning:
		return "loads_running"
	case Queries:
		return "queries"
	case RequestsPerSecond:
		return "requests_per_second"
	case kinds:
	}
	return "unknown"
}

// Unlimited is the limit that is none.
const Unlimited int64 = -1

// maxLimit is the largest limit: more bytes than there are disks.
const maxLimit = int64(1) << 60

// Limits hold what a tenant may use, by Kind.
type Limits [kinds]int64

// None limits nothing.
func None() Limits {
	return Limits{Unlimited, Unlimited, Unlimited, Unlimited, Unlimited}
}

// Check refuses limits that are none.
func (l Limits) Check() error {
	for _, k := range Kinds() {
		if err := check(k, l[k]); err != nil {
			return err
		}
	}
	return nil
}

// Own are the limits that were set for one tenant, by Kind; nil where the default
// holds.
type Own [kinds]*int64

// Over returns the limits that hold for a tenant.
func (o Own) Over(defaults Limits) Limits {
	for k, own := range o {
		if own != nil {
			defaults[k] = *own
		}
	}
	return defaults
}

func check(k Kind, limit int64) error {
	if limit == Unlimited || limit >= 0 && limit <= maxLimit {
		return nil
	}
	return privacy.Errorf(privacy.CodeInvalidRequest, "the quota %s is between 0 and %d, or unlimited", k, maxLimit)
}

// Admits reports whether a quota admits that so much is in use.
func (l Limits) Admits(k Kind, used int64) bool { return l[k] == Unlimited || used <= l[k] }

// Exceeded refuses what would go beyond a quota of the caller's tenant.
func (l Limits) Exceeded(k Kind) *privacy.Error {
	code, more := privacy.CodeRateLimited, "wait until one has ended"
	switch k {
	case StoredBytes:
		code, more = privacy.CodeTooLarge, "replace data by less, or ask the operator for more"
	case LoadsWaiting:
		more = "wait until one has begun, or cancel one"
	case RequestsPerSecond:
		more = "all keys of the tenant count together"
	case LoadsRunning, Queries, kinds:
	}
	return privacy.Errorf(code, "the quota %s is %d, and this would be more: %s", k, l[k], more)
}
