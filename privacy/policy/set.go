package policy

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"

	"github.com/noised/noised/privacy"
)

// Set is a set of policies that holds against the schema. It never changes, and
// is safe for concurrent use.
type Set struct {
	schema   *Schema
	version  int64
	files    Files
	policies []named            // in the order of files and lines
	byAction map[string][]named // those whose scope has the action
}

// named is a policy and what it is called.
type named struct {
	id     cedar.PolicyID
	policy *cedar.Policy
}

// Parse reads and validates a set. The error of a set that does not hold is of
// CodeInvalidRequest and lists every fault with its file and line.
func Parse(schema *Schema, files Files) (*Set, error) {
	if err := files.check(); err != nil {
		return nil, err
	}
	s := &Set{schema: schema, files: maps.Clone(files), byAction: map[string][]named{}}
	var faults []privacy.Problem
	seen := map[cedar.PolicyID]bool{}
	for _, name := range files.names() {
		list, err := cedar.NewPolicyListFromBytes(name, []byte(files[name]))
		if err != nil {
			faults = append(faults, parseFault(name, err))
			continue
		}
		for _, p := range list {
			n, problems := s.admit(name, p, seen)
			s.policies = append(s.policies, n)
			faults = append(faults, problems...)
		}
	}
	switch {
	case len(faults) > 0:
		return nil, allFaults(faults)
	case len(s.policies) == 0:
		return nil, refused("the set has no policy: it would deny everything")
	case len(s.policies) > MaxPolicies:
		return nil, refused(fmt.Sprintf("the set has more than %d policies", MaxPolicies))
	}
	s.index()
	return s, nil
}

// index finds the policies of each action, so that a decision looks at no others.
func (s *Set) index() {
	for action := range s.schema.questions {
		for _, n := range s.policies {
			if s.schema.inScope((*ast.Policy)(n.policy.AST()).Action, actionID(action)) {
				s.byAction[action] = append(s.byAction[action], n)
			}
		}
	}
}

// inScope reports whether the scope of a policy has an action.
func (s *Schema) inScope(scope ast.IsActionScopeNode, action types.EntityUID) bool {
	switch scope := scope.(type) {
	case ast.ScopeTypeEq:
		return scope.Entity == action
	case ast.ScopeTypeIn:
		return s.isIn(action, scope.Entity)
	case ast.ScopeTypeInSet:
		return slices.ContainsFunc(scope.Entities, func(e types.EntityUID) bool { return s.isIn(action, e) })
	default:
		return true // every action; what is not known is left to the evaluation
	}
}

func (s *Schema) isIn(action, group types.EntityUID) bool {
	if action == group {
		return true
	}
	for parent := range s.actions[action].Parents.All() {
		if s.isIn(parent, group) {
			return true
		}
	}
	return false
}

// policyID is what an @id may be: it stands in answers and in the log.
var policyID = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,62}$`)

// admit names and validates one policy.
func (s *Set) admit(file string, p *cedar.Policy, seen map[cedar.PolicyID]bool) (named, []privacy.Problem) {
	at := p.Position()
	var faults []privacy.Problem
	fault := func(format string, args ...any) {
		faults = append(faults, privacy.Problem{Line: at.Line, Field: file, Message: fmt.Sprintf(format, args...)})
	}
	id, given := p.Annotations()["id"]
	n := named{id: cedar.PolicyID(id), policy: p}
	switch {
	case !given:
		n.id = cedar.PolicyID(fmt.Sprintf("%s:%d:%d", file, at.Line, at.Column))
	case !policyID.MatchString(string(id)):
		fault("an @id is a letter, then up to 62 letters, digits, '.', '_' and '-'")
	case seen[n.id]:
		fault("the @id %q is given twice", id)
	}
	seen[n.id] = true
	if err := s.schema.validator.Policy("", (*ast.Policy)(p.AST())); err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			fault("policy %s: %s", n.id, line)
		}
	}
	return n, faults
}

// parsePosition finds the place in the parser's message.
var parsePosition = regexp.MustCompile(`parse error at <input>:(\d+):(\d+) (.*)`)

func parseFault(file string, err error) privacy.Problem {
	m := parsePosition.FindStringSubmatch(strings.ReplaceAll(err.Error(), "\n", " "))
	if m == nil {
		return privacy.Problem{Field: file, Message: "it does not parse: " + err.Error()}
	}
	line, _ := strconv.Atoi(m[1])
	return privacy.Problem{Line: line, Field: file, Message: fmt.Sprintf("it does not parse at column %s: %s", m[2], m[3])}
}

// maxFaults is how many faults an error lists.
const maxFaults = 50

func allFaults(faults []privacy.Problem) error {
	slices.SortStableFunc(faults, func(x, y privacy.Problem) int {
		return cmp.Or(strings.Compare(x.Field, y.Field), cmp.Compare(x.Line, y.Line))
	})
	first := faults[0]
	message := first.Message
	if more := len(faults) - 1; more > 0 {
		message += fmt.Sprintf(" (and %d more faults)", more)
	}
	e := refusedAt(first.Field, first.Line, message)
	e.Problems = faults[:min(len(faults), maxFaults)]
	return e
}

// Version returns the number under which the control store keeps the set; 0 for
// one that it does not keep.
func (s *Set) Version() int64 { return s.version }

// Files returns the texts of the set.
func (s *Set) Files() Files { return maps.Clone(s.files) }

// Schema returns what the set was validated against.
func (s *Set) Schema() *Schema { return s.schema }

// IDs lists the policies: by their @id, or by their place where they have none.
func (s *Set) IDs() []string {
	out := make([]string, len(s.policies))
	for i, n := range s.policies {
		out[i] = string(n.id)
	}
	return out
}

// Considered lists the policies whose scope has an action.
func (s *Set) Considered(action string) []string {
	out := []string{}
	for _, n := range s.byAction[action] {
		out = append(out, string(n.id))
	}
	return out
}

// Text returns one policy as Cedar writes it; "" for one that is not in the set.
func (s *Set) Text(id string) string {
	for _, n := range s.policies {
		if string(n.id) == id {
			return string(n.policy.MarshalCedar())
		}
	}
	return ""
}

// ofAction is the policies of one action, in order.
type ofAction []named

// All implements cedar.PolicyIterator.
func (o ofAction) All() iter.Seq2[cedar.PolicyID, *cedar.Policy] {
	return func(yield func(cedar.PolicyID, *cedar.Policy) bool) {
		for _, n := range o {
			if !yield(n.id, n.policy) {
				return
			}
		}
	}
}
