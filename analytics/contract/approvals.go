package contract

import (
	"slices"
	"time"
)

// Approvals says who must agree before a change that widens sharing is made.
type Approvals struct {
	BudgetAdmins int           // of a tenant, for a larger budget of its own; 0: none are needed
	Tenants      bool          // every member agrees to what concerns the whole dataset
	ExpiresAfter time.Duration // how long a change waits
	ProposerMay  bool          // whoever proposes a change may sign it too
}

// DefaultExpiry is how long a change waits where the contract does not say.
const DefaultExpiry = 72 * time.Hour

// MayAsk reports whether analysts of a group may ask: any, unless the contract
// names the groups that may.
func (c *Contract) MayAsk(group string) bool {
	return c.Analysts == nil || slices.Contains(c.Analysts, group)
}

// ApprovalsView is the clause as a contract writes it.
type ApprovalsView struct {
	BudgetAdmins    int    `json:"budget_admins,omitempty"`
	Tenants         string `json:"tenants,omitempty"` // "affected" or absent
	ExpiresAfter    string `json:"expires_after"`
	ProposerMaySign bool   `json:"proposer_may_sign,omitempty"`
}

func (a *Approvals) view() *ApprovalsView {
	if a == nil {
		return nil
	}
	v := &ApprovalsView{BudgetAdmins: a.BudgetAdmins, ExpiresAfter: a.ExpiresAfter.String(), ProposerMaySign: a.ProposerMay}
	if a.Tenants {
		v.Tenants = "affected"
	}
	return v
}
