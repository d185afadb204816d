package operation

import (
	"context"
	"strings"

	"github.com/noised/noised/privacy/policy"
)

// PolicySchema returns what policies may speak of: the calls that they decide, which
// are the operations of the document that are not public.
func PolicySchema() (*policy.Schema, error) {
	doc, _, err := Document(context.Background())
	if err != nil {
		return nil, err
	}
	all, err := New(doc)
	if err != nil {
		return nil, err
	}
	var decided []policy.Operation
	for _, op := range all {
		if !op.Access.Public {
			decided = append(decided, policy.Operation{ID: op.ID, Roles: op.Access.Roles, Resource: op.Resource(), Question: op.Asks()})
		}
	}
	return policy.NewSchema(decided)
}

// Asks reports whether an operation asks a question, which is decided a second
// time when its plan is known.
func (o *Operation) Asks() bool { return o.Spends() || o.ID == "explain" }

// Spends reports whether a call of the operation may charge budgets.
func (o *Operation) Spends() bool { return o.ID == "query" || o.ID == "queryByURL" }

// Resource returns the type of what an operation is about, by its path.
func (o *Operation) Resource() string {
	switch {
	case o.Asks() || strings.Contains(o.Route.Path, "{dataset}"):
		return policy.TypeDataset
	case strings.Contains(o.Route.Path, "{tenant}"):
		return policy.TypeTenant
	}
	return policy.TypeSystem
}
