package contractparse

import (
	"slices"
	"time"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/document"
	"github.com/noised/noised/privacy"
)

// Limits of the approvals clause.
const (
	maxBudgetAdmins = 20
	minExpiry       = time.Second
	maxExpiry       = 366 * 24 * time.Hour
	maxAnalysts     = 1000
)

// approvals reads {budget_admins: 2, tenants: affected, expires_after: 72h,
// proposer_may_sign: true}.
func (r *reader) approvals(n *document.Node) *contract.Approvals {
	o, ok := r.Object(n, "approvals", "budget_admins", "tenants", "expires_after", "proposer_may_sign")
	if !ok {
		return nil
	}
	a := &contract.Approvals{ExpiresAfter: contract.DefaultExpiry}
	if o.Has("budget_admins") {
		count, _ := o.Integer("budget_admins", 1, maxBudgetAdmins)
		a.BudgetAdmins = int(count)
	}
	if o.Has("tenants") {
		who, ok := o.Text("tenants")
		if ok && who != "affected" {
			r.Problem(o.LineOf("tenants"), o.Path("tenants"), "must be affected, or be left out, not %q", document.Shorten(who))
		}
		a.Tenants = ok
	}
	if !o.Has("budget_admins") && !o.Has("tenants") {
		r.Problem(n.Line, "approvals", "names nobody: say budget_admins, tenants or both, or leave the clause out")
	}
	if o.Has("expires_after") {
		a.ExpiresAfter = r.duration(o, "expires_after", minExpiry, maxExpiry)
	}
	if n := o.At["proposer_may_sign"]; n != nil {
		if !n.IsBool() {
			r.Problem(n.Line, o.Path("proposer_may_sign"), "must be true or false")
		}
		a.ProposerMay = n.IsBool() && slices.Contains([]string{"true", "True", "TRUE"}, n.Text)
	}
	return a
}

// duration reads a length of time with its unit, to the microsecond, which is
// how exactly instants are stored.
func (r *reader) duration(o document.Object, name string, lo, hi time.Duration) time.Duration {
	text, ok := o.Text(name)
	if !ok {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < lo || d > hi {
		r.Problem(o.LineOf(name), o.Path(name), "must be a length of time between %s and %s, such as 72h, not %q", lo, hi, document.Shorten(text))
	}
	return d.Truncate(time.Microsecond)
}

// analysts reads the groups that may ask. An empty list lets nobody ask.
func (r *reader) analysts(n *document.Node) []string {
	items, ok := r.List(n, "analysts")
	if !ok {
		return nil
	}
	if len(items) > maxAnalysts {
		r.Problem(n.Line, "analysts", "must have at most %d groups", maxAnalysts)
		return nil
	}
	groups := []string{}
	for _, item := range items {
		name, ok := r.Text(item, "analysts")
		if !ok {
			continue
		}
		if err := privacy.CheckName("group", name); err != nil {
			r.Problem(item.Line, "analysts", "%s", privacy.AsError(err).Message)
		} else if slices.Contains(groups, name) {
			r.Problem(item.Line, "analysts", "names %q twice", name)
		}
		groups = append(groups, name)
	}
	return groups
}

// queries reads whether only templates are asked. Left out, they are free.
func (r *reader) queries(o document.Object) bool {
	if !o.Has("queries") {
		return false
	}
	s, ok := o.Text("queries")
	if ok && s != "free" && s != "templates" {
		r.Problem(o.LineOf("queries"), "queries", "must be free or templates, not %q", document.Shorten(s))
	}
	return s == "templates"
}
