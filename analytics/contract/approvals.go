package contract

import (
	"slices"
	"time"

	"github.com/noised/noised/privacy"
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

// Limits of the approvals clause.
const (
	maxBudgetAdmins = 20
	minExpiry       = time.Second
	maxExpiry       = 366 * 24 * time.Hour
	maxAnalysts     = 1000
)

// approvals reads {budget_admins: 2, tenants: affected, expires_after: 72h,
// proposer_may_sign: true}.
func (r *reader) approvals(n *node) *Approvals {
	o, ok := r.object(n, "approvals", "budget_admins", "tenants", "expires_after", "proposer_may_sign")
	if !ok {
		return nil
	}
	a := &Approvals{ExpiresAfter: DefaultExpiry}
	if o.has("budget_admins") {
		count, _ := o.integer("budget_admins", 1, maxBudgetAdmins)
		a.BudgetAdmins = int(count)
	}
	if o.has("tenants") {
		who, ok := o.text("tenants")
		if ok && who != "affected" {
			r.problem(o.lineOf("tenants"), o.path("tenants"), "must be affected, or be left out, not %q", shorten(who))
		}
		a.Tenants = ok
	}
	if !o.has("budget_admins") && !o.has("tenants") {
		r.problem(n.line, "approvals", "names nobody: say budget_admins, tenants or both, or leave the clause out")
	}
	if o.has("expires_after") {
		a.ExpiresAfter = o.duration("expires_after", minExpiry, maxExpiry)
	}
	if n := o.at["proposer_may_sign"]; n != nil {
		if !n.isBool() {
			r.problem(n.line, o.path("proposer_may_sign"), "must be true or false")
		}
		a.ProposerMay = n.isBool() && slices.Contains([]string{"true", "True", "TRUE"}, n.text)
	}
	return a
}

// duration reads a length of time with its unit, to the microsecond, which is
// how exactly instants are stored.
func (o object) duration(name string, lo, hi time.Duration) time.Duration {
	text, ok := o.text(name)
	if !ok {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < lo || d > hi {
		o.r.problem(o.lineOf(name), o.path(name), "must be a length of time between %s and %s, such as 72h, not %q", lo, hi, shorten(text))
	}
	return d.Truncate(time.Microsecond)
}

// analysts reads the groups that may ask. An empty list lets nobody ask.
func (r *reader) analysts(n *node) []string {
	items, ok := r.sequence(n, "analysts")
	if !ok {
		return nil
	}
	if len(items) > maxAnalysts {
		r.problem(n.line, "analysts", "must have at most %d groups", maxAnalysts)
		return nil
	}
	groups := []string{}
	for _, item := range items {
		name, ok := r.text(item, "analysts")
		if !ok {
			continue
		}
		if err := privacy.CheckName("group", name); err != nil {
			r.problem(item.line, "analysts", "%s", privacy.AsError(err).Message)
		} else if slices.Contains(groups, name) {
			r.problem(item.line, "analysts", "names %q twice", name)
		}
		groups = append(groups, name)
	}
	return groups
}

// queries reads whether only templates are asked. Left out, they are free.
func (r *reader) queries(o object) bool {
	if !o.has("queries") {
		return false
	}
	s, ok := o.text("queries")
	if ok && s != "free" && s != "templates" {
		r.problem(o.lineOf("queries"), "queries", "must be free or templates, not %q", shorten(s))
	}
	return s == "templates"
}

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
