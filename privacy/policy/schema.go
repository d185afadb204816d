package policy

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	cedarschema "github.com/cedar-policy/cedar-go/x/exp/schema"
	"github.com/cedar-policy/cedar-go/x/exp/schema/resolved"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"

	"github.com/noised/noised/privacy"
)

//go:embed schema.cedarschema
var vocabulary string

//go:embed defaults.cedar
var defaults string

// DefaultFile is the name of the file that Defaults returns.
const DefaultFile = "defaults.cedar"

// Defaults returns the policies of a server that was given none.
func Defaults() Files { return Files{DefaultFile: defaults} }

// The types of a resource.
const (
	TypeDataset = "Dataset"
	TypeTenant  = "Tenant"
	TypeSystem  = "System"
)

// Operation is a call that policies decide.
type Operation struct {
	ID       string         // as in the OpenAPI document
	Roles    []privacy.Role // that the access table admits; they say which groups the action is in
	Resource string         // the type of its resource
	Question bool           // it is decided again when its plan is known; its resource is a dataset
}

// groups returns the groups of actions that an operation is in.
func (o Operation) groups() []string {
	var out []string
	add := func(group string) {
		if !slices.Contains(out, group) {
			out = append(out, group)
		}
	}
	for _, r := range o.Roles {
		switch r {
		case privacy.RoleAnalyst:
			add("ask")
		case privacy.RoleContributor:
			add("contribute")
		case privacy.RoleOperator, privacy.RoleTenantAdmin, privacy.RoleBudgetAdmin:
			add("administer")
		case privacy.RoleAuditor:
			add("audit")
		}
	}
	if o.Question {
		add("question")
	}
	slices.Sort(out)
	return out
}

// Schema is what policies may speak of: the vocabulary, and one action for each
// operation. It never changes.
type Schema struct {
	text      string
	resolved  *resolved.Schema
	validator *validate.Validator
	actions   types.EntityMap // with their groups as parents
	questions map[string]bool // actions that are decided again when the plan is known
}

// NewSchema returns the schema of a server with these operations.
func NewSchema(operations []Operation) (*Schema, error) {
	text := actionsText(operations)
	var parsed cedarschema.Schema
	parsed.SetFilename("schema.cedarschema")
	if err := parsed.UnmarshalCedar([]byte(text)); err != nil {
		return nil, fmt.Errorf("policy: read the schema: %w", err)
	}
	r, err := parsed.Resolve()
	if err != nil {
		return nil, fmt.Errorf("policy: resolve the schema: %w", err)
	}
	s := &Schema{text: text, resolved: r, validator: validate.New(r), actions: types.EntityMap{}, questions: map[string]bool{}}
	for uid, action := range r.Actions {
		s.actions[uid] = action.Entity
	}
	for _, op := range operations {
		s.questions[op.ID] = op.Question
	}
	return s, nil
}

// actionsText adds the operations to the vocabulary.
func actionsText(operations []Operation) string {
	var b strings.Builder
	b.WriteString(vocabulary)
	b.WriteString("\n// The operations of the document.\n")
	sorted := slices.SortedFunc(slices.Values(operations), func(x, y Operation) int { return strings.Compare(x.ID, y.ID) })
	for _, op := range sorted {
		context := "Call"
		if op.Question {
			context = "Question"
		}
		quoted := op.groups()
		for i, g := range quoted {
			quoted[i] = fmt.Sprintf("%q", g)
		}
		fmt.Fprintf(&b, "action %q in [%s] appliesTo { principal: Principal, resource: %s, context: %s };\n",
			op.ID, strings.Join(quoted, ", "), op.Resource, context)
	}
	return b.String()
}

// Text returns the schema in Cedar's own form.
func (s *Schema) Text() string { return s.text }

// Actions lists the actions that a call can be, sorted.
func (s *Schema) Actions() []string {
	var out []string
	for id := range s.questions {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

// Question reports whether an action is decided with what is known of a planned
// question.
func (s *Schema) Question(action string) bool { return s.questions[action] }

// knows reports whether a call can be an action.
func (s *Schema) knows(action string) bool {
	_, ok := s.questions[action]
	return ok
}

// ResourceOf returns the type of an action's resource, "" for an action that is
// not known.
func (s *Schema) ResourceOf(action string) string {
	a, ok := s.resolved.Actions[actionID(action)]
	if !ok || a.AppliesTo == nil {
		return ""
	}
	return string(a.AppliesTo.Resources[0])
}

func actionID(action string) types.EntityUID {
	return cedar.NewEntityUID("Action", types.String(action))
}
