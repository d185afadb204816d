package policy

import (
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/eval"

	"github.com/noised/noised/privacy"
)

// Decision is what a set says of a call.
type Decision struct {
	Allowed  bool
	Policies []string // that decided, in the set's order: the permits, or the forbids; none where nothing permits
	Failed   bool     // a forbid could not be evaluated, and denies for that
	Version  int64    // of the set
}

// Err returns the refusal of a call that is denied, and nil of one that is not.
// It names a forbid that has an @id, which its author chose for others to read.
func (d Decision) Err() error {
	if d.Allowed {
		return nil
	}
	if len(d.Policies) == 0 {
		return privacy.Errorf(privacy.CodeForbidden, "no policy permits this")
	}
	named := slices.DeleteFunc(slices.Clone(d.Policies), func(id string) bool { return strings.Contains(id, ":") })
	switch {
	case len(named) == 1:
		return privacy.Errorf(privacy.CodeForbidden, "the policy %q forbids this", named[0])
	case len(named) > 1:
		return privacy.Errorf(privacy.CodeForbidden, "the policies %q forbid this", named)
	}
	return privacy.Errorf(privacy.CodeForbidden, "a policy forbids this")
}

// Decide decides a call.
func (s *Set) Decide(r Request) Decision {
	d := Decision{Version: s.version}
	if !s.schema.fits(r) {
		return d
	}
	w := &world{schema: s.schema, principal: principalOf(r.Principal), resource: r.Resource.entity()}
	policies := s.byAction[r.Action]
	verdict, why := cedar.Authorize(ofAction(policies), w, cedar.Request{
		Principal: w.principal.UID, Action: actionID(r.Action), Resource: w.resource.UID, Context: r.context(),
	})
	// Cedar skips a policy that fails, which would let through what a forbid was
	// to stop.
	for _, fault := range why.Errors {
		if i := slices.IndexFunc(policies, func(n named) bool { return n.id == fault.PolicyID }); policies[i].policy.Effect() == cedar.Forbid {
			d.Failed = true
			d.Policies = append(d.Policies, string(fault.PolicyID))
		}
	}
	if d.Failed && verdict == cedar.Allow {
		return d
	}
	d.Allowed = verdict == cedar.Allow
	for _, reason := range why.Reasons {
		d.Policies = append(d.Policies, string(reason.PolicyID))
	}
	return d
}

// Might decides a question before anything is known but who asks: it denies what
// Decide would deny whatever the question is, and allows the rest, which is to be
// decided again. So whoever may not ask at all is turned away before the body is
// read.
func (s *Set) Might(p privacy.Principal, action string) Decision {
	d := Decision{Version: s.version}
	if !s.schema.questions[action] || !p.Role.Valid() {
		return d
	}
	w := &world{schema: s.schema, principal: principalOf(p)}
	env := eval.Env{
		Principal: w.principal.UID, Action: actionID(action), Entities: w,
		Resource: eval.Variable("resource"), Context: eval.Variable("context"),
	}
	var permits, forbids []string
	for _, n := range s.byAction[action] {
		left, keep := eval.PartialPolicy(env, (*ast.Policy)(n.policy.AST()))
		if !keep {
			continue
		}
		if n.policy.Effect() == cedar.Permit {
			permits = append(permits, string(n.id))
		} else if certain(left) {
			forbids = append(forbids, string(n.id))
		}
	}
	d.Allowed = len(forbids) == 0 && len(permits) > 0
	d.Policies = permits
	if len(forbids) > 0 {
		d.Policies = forbids
	}
	return d
}

// certain reports whether a policy applies whatever is still unknown.
func certain(p *ast.Policy) bool {
	_, anything := p.Resource.(ast.ScopeTypeAll)
	return anything && len(p.Conditions) == 0
}

var _ types.EntityGetter = (*world)(nil)
