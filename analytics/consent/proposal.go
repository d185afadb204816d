package consent

import (
	"time"

	"github.com/noised/noised/analytics/consent/effect"
	"github.com/noised/noised/privacy"
)

// State is where a proposal stands.
type State string

// The states of a proposal. StateApproved is a pending one that nobody's
// signature is missing from any more, since somebody left who had not signed: it
// is made as soon as one of those who signed, or whoever proposed it, approves
// again.
const (
	StatePending   State = "pending"
	StateApproved  State = "approved"
	StateRejected  State = "rejected"
	StateWithdrawn State = "withdrawn"
	StateExpired   State = "expired"
	StateApplied   State = "applied"
)

// Kind says what a proposal changes.
type Kind string

// The kinds of proposal.
const (
	KindContract      Kind = "contract"       // a version of a dataset's contract
	KindMember        Kind = "member"         // a tenant that joins a dataset
	KindTenantBudget  Kind = "tenant-budget"  // what a tenant may lose
	KindDatasetBudget Kind = "dataset-budget" // what the persons of a dataset may lose
	KindTemplate      Kind = "template"       // a query that may be asked by name
)

// Proposal is a change that waits, or waited, for approvals.
type Proposal struct {
	ID         string // "prop_…"
	Kind       Kind
	Dataset    string // empty for a tenant's budget
	Tenant     string // empty for what concerns a whole dataset
	By         privacy.Principal
	Document   []byte // the contract as it was sent, else JSON
	Effect     []effect.Change
	Required   []Need // as of now; nil once it is decided
	Signatures []Signature
	State      State
	CreatedAt  time.Time
	ExpiresAt  time.Time
	DecidedAt  time.Time // zero while it is pending
	DecidedBy  string    // empty for a clock
}

// Need is one approval that a change waits for.
type Need struct {
	Tenant  string // whose; empty for any of the members
	Role    privacy.Role
	Count   int // how many principals
	Missing int // how many of them have not signed

	members []string
}

// by reports whether a principal's signature is one of those that are needed.
func (n Need) by(tenant string, role privacy.Role) bool {
	if role != n.Role || tenant == "" {
		return false
	}
	if n.Tenant != "" {
		return n.Tenant == tenant
	}
	for _, m := range n.members {
		if m == tenant {
			return true
		}
	}
	return false
}

// Signature is one principal's approval.
type Signature struct {
	Principal string
	Tenant    string
	Role      privacy.Role
	At        time.Time
	Counts    bool // the principal still stands: it was not revoked since, and is not suspended
}

// settle sets what is missing of each need, and reports whether nothing is.
func settle(needs []Need, signatures []Signature) bool {
	all := true
	for i := range needs {
		n := &needs[i]
		n.Missing = n.Count
		for _, s := range signatures {
			if n.Missing > 0 && s.Counts && n.by(s.Tenant, s.Role) {
				n.Missing--
			}
		}
		all = all && n.Missing == 0
	}
	return all
}

// mayDecide reports whether a principal is one of those who must agree.
func mayDecide(needs []Need, p privacy.Principal) bool {
	for _, n := range needs {
		if n.by(p.Tenant, p.Role) {
			return true
		}
	}
	return false
}
