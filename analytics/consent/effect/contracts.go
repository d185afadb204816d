package effect

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// Contracts compares two versions of one dataset's contract. What neither of them
// says is not listed, and two that promise the same have no changes but that of
// the description.
func Contracts(was, next *contract.Contract) []Change {
	l := &list{}
	l.add("description", quoted(was.Description), quoted(next.Description), false, "The description changes.")
	l.unit(was, next)
	l.add("tenant_dimension", publicOr(was.TenantDimension), publicOr(next.TenantDimension), next.TenantDimension,
		"Whether queries may tell tenants apart")
	l.contribution(was, next)
	l.defaults(was, next)
	l.tables(was, next)
	l.periods(was.BudgetPer, next.BudgetPer)
	l.approvals(was.Approvals, next.Approvals)
	l.analysts(was.Analysts, next.Analysts)
	l.add("queries", freeOr(was.TemplatesOnly), freeOr(next.TemplatesOnly), !next.TemplatesOnly, "What may be asked")
	return l.changes
}

// unit: whoever else is protected is a different promise, never a smaller one.
func (l *list) unit(was, next *contract.Contract) {
	column := func(u contract.Unit) string { return strings.TrimPrefix(u.Table+"."+u.Column, ".") }
	l.add("privacy_unit.column", column(was.Unit), column(next.Unit), true, "Who is protected is identified by another column")
	l.add("privacy_unit.scope", string(was.Unit.Scope), string(next.Unit.Scope), true, "The scope of the privacy unit changes")
}

func publicOr(public bool) string {
	if public {
		return "public"
	}
	return none
}

func quoted(s string) string {
	if s == "" {
		return none
	}
	return strconv.Quote(short(s))
}

const maxShown = 200

func short(s string) string {
	if r := []rune(s); len(r) > maxShown {
		return string(r[:maxShown]) + "…"
	}
	return s
}

// contribution: bounds that loads keep and bounds that queries keep are not
// compared with one another.
func (l *list) contribution(was, next *contract.Contract) {
	before := len(l.changes)
	if was.MaxRowsOnly != next.MaxRowsOnly {
		l.add("contribution", boundsText(was), boundsText(next), true, "What one person contributes is bounded in another way")
	} else {
		o, n := was.Limits, next.Limits
		if next.MaxRowsOnly {
			l.bound("max_rows", "The rows that one person contributes in all", o.MaxRows, n.MaxRows)
		} else {
			l.bound("max_partitions", "The groups that one person contributes to", o.MaxPartitions, n.MaxPartitions)
			l.bound("max_rows_per_partition", "The rows that one person contributes to a group", o.MaxRowsPerPartition, n.MaxRowsPerPartition)
			l.bound("max_l2", "The norm of what one person contributes", o.MaxL2, n.MaxL2)
		}
	}
	l.noisier(before, countNoise(was, next))
}

func boundsText(c *contract.Contract) string {
	if c.MaxRowsOnly {
		return fmt.Sprintf("max_rows %d", c.Limits.MaxRows)
	}
	return fmt.Sprintf("max_partitions %d, max_rows_per_partition %d", c.Limits.MaxPartitions, c.Limits.MaxRowsPerPartition)
}

// bound compares a bound of which zero stands for none.
func (l *list) bound(name, subject string, was, next int64) {
	show := func(n int64) string {
		if n == 0 {
			return none
		}
		return strconv.FormatInt(n, 10)
	}
	wider := next == 0 || was != 0 && next > was
	l.add("contribution."+name, show(was), show(next), wider, subject)
}

func (l *list) defaults(was, next *contract.Contract) {
	before := len(l.changes)
	l.loss("budget_defaults.epsilon_per_query", "The epsilon of a query that does not say how much", was.Defaults.Epsilon, next.Defaults.Epsilon)
	l.loss("budget_defaults.delta_per_query", "The delta of a query that does not say how much", was.Defaults.Delta, next.Defaults.Delta)
	l.noisier(before, countNoise(was, next))
}

func (l *list) loss(field, subject string, was, next float64) {
	l.add(field, number(was), number(next), next > was, subject)
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// periods cannot change at all; what asks for it is told so by the catalog.
func (l *list) periods(was, next *contract.BudgetPer) {
	show := func(b *contract.BudgetPer) string {
		if b == nil {
			return none
		}
		day := func(d int64) string { return time.Unix(d*86_400, 0).UTC().Format(time.DateOnly) }
		return fmt.Sprintf("%s of %s from %s to %s", b.Every, b.Column, day(b.From), day(b.To))
	}
	l.add("budget_per", show(was), show(next), true, "The periods of rows that have a budget of their own change")
}

// approvals: less of any is weaker. That every member is asked in place of some
// budget admins is another promise, unless these are asked for nothing.
func (l *list) approvals(was, next *contract.Approvals) {
	none := contract.Approvals{}
	o, n := cmp.Or(was, &none), cmp.Or(next, &none)
	l.add("approvals.budget_admins", strconv.Itoa(o.BudgetAdmins), strconv.Itoa(n.BudgetAdmins), n.BudgetAdmins < o.BudgetAdmins,
		"The budget admins who agree to a larger budget of their tenant")
	l.add("approvals.tenants", affected(o), affected(n), o.Tenants || o.BudgetAdmins > 0,
		"The tenants that agree to what concerns the dataset")
	if was == nil || next == nil {
		return // the rest of the clause says nothing where it stands alone
	}
	l.add("approvals.expires_after", o.ExpiresAfter.String(), n.ExpiresAfter.String(), n.ExpiresAfter > o.ExpiresAfter, "How long a change waits")
	l.add("approvals.proposer_may_sign", strconv.FormatBool(o.ProposerMay), strconv.FormatBool(n.ProposerMay), n.ProposerMay,
		"Whether whoever proposes a change may sign it too")
}

func affected(a *contract.Approvals) string {
	if a.Tenants {
		return "affected"
	}
	return none
}

// analysts: every group that could not ask before is a wider circle.
func (l *list) analysts(was, next []string) {
	show := func(groups []string) string {
		if groups == nil {
			return "every analyst"
		}
		return "[" + strings.Join(slices.Sorted(slices.Values(groups)), ", ") + "]"
	}
	wider := was != nil && (next == nil || slices.ContainsFunc(next, func(g string) bool { return !slices.Contains(was, g) }))
	l.add("analysts", show(was), show(next), wider, "The groups of analysts that may ask")
}

func freeOr(templates bool) string {
	if templates {
		return "templates"
	}
	return "free"
}

// Template is the effect of a query that may be asked by name. Where every query
// may be asked, one more name for one shares nothing more; where only templates
// are, any new or changed one does, and a withdrawn one does not. What it says
// stands in the proposal itself.
func Template(name string, before, after int, matters bool) []Change {
	show := func(version int) string {
		if version == 0 {
			return none
		}
		return "version " + strconv.Itoa(version)
	}
	says := fmt.Sprintf("The template %s may be asked.", name)
	if after == 0 {
		says = fmt.Sprintf("The template %s is withdrawn.", name)
	} else if before > 0 {
		says = fmt.Sprintf("The template %s asks something else than before.", name)
	}
	return []Change{{Field: "templates." + name, Before: show(before), After: show(after), Widens: matters && after > 0, Says: says}}
}

// Member is the effect of a tenant that joins a dataset.
func Member(dataset, tenant string, version int) []Change {
	return []Change{{
		Field: "members." + tenant, Before: none, After: "version " + strconv.Itoa(version), Widens: true,
		Says: fmt.Sprintf("%s joins %s under version %d: its rows take part in answers.", tenant, dataset, version),
	}}
}

// Cap compares what one account may lose. An account that nobody has opened is
// nil: for one that every query needs, that is nothing, and any budget is larger;
// any other then caps nothing.
type Cap struct {
	Loss   privacy.Loss
	Window privacy.Window
}

// Account is the effect of a cap on one account.
func Account(account privacy.Account, was *Cap, next Cap, required bool) []Change {
	l := &list{}
	before, wider := none, required
	if was != nil {
		before = was.String()
		wider = next.Loss.Epsilon > was.Loss.Epsilon || next.Loss.Delta > was.Loss.Delta || refills(next.Window) > refills(was.Window)
	}
	l.add("budget."+account.String(), before, next.String(), wider, "The budget "+account.String())
	return l.changes
}

// String returns the cap as people read it.
func (c Cap) String() string {
	s := fmt.Sprintf("epsilon %s, delta %s", number(c.Loss.Epsilon), number(c.Loss.Delta))
	if c.Window != "" && c.Window != privacy.WindowNone {
		s += " per " + string(c.Window)
	}
	return s
}

// refills orders windows by how often they refill a cap.
func refills(w privacy.Window) int {
	return slices.Index([]privacy.Window{privacy.WindowNone, privacy.WindowMonth, privacy.WindowWeek, privacy.WindowDay}, w)
}

// values shows a domain, and its beginning if it is long.
func values(domain []plan.Value) string {
	const most = 20
	var names []string
	for _, v := range domain[:min(len(domain), most)] {
		names = append(names, short(v.Text()))
	}
	if more := len(domain) - most; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return "[" + strings.Join(names, ", ") + "]"
}
