package query

import (
	"context"
	"slices"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/policy"
)

// Policies decides whether a question may be asked. An error means that it was
// not decided, and refuses it.
type Policies interface {
	Decide(ctx context.Context, r policy.Request) (policy.Decision, error)
}

// The operations that ask a question, as policies know them.
const (
	OperationQuery   = "query"
	OperationExplain = "explain"
)

// permit asks the contract who may ask, and the policies for what a principal would now be shown, and keeps the
// version that permitted it. It comes before any charge, and before a stored
// release is shown to another reader.
func (s *Service) permit(ctx context.Context, by privacy.Principal, operation string, p *prepared) error {
	b := p.priced.Plan
	if !p.dataset.Contract.MayAsk(by.Group) {
		return privacy.Errorf(privacy.CodeForbidden, "the contract of %s does not let this principal's group ask", p.dataset.Name)
	}
	if p.dataset.Contract.TemplatesOnly && p.request.Resolved == nil {
		return privacy.Errorf(privacy.CodeQueryNotPermitted, "%s is asked by its approved templates only", p.dataset.Name).
			Suggest("name a template of the dataset and its parameters")
	}
	d, err := s.Policies.Decide(ctx, policy.Request{
		Principal: by, Action: operation, Tenants: b.Tenants,
		Resource: policy.Resource{Type: policy.TypeDataset, Name: p.dataset.Name},
		Question: &policy.Question{Purpose: p.request.Purpose, Aggregates: aggregatesOf(b), Loss: p.priced.Loss},
	})
	if err != nil {
		return err
	}
	p.policy = d.Version
	return d.Err()
}

// aggregatesOf names the aggregates of a plan, as policies know them.
func aggregatesOf(b *plan.Bound) []string {
	var out []string
	for _, a := range b.Aggs {
		if name := aggregateName(a.Func); !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

func aggregateName(f plan.AggFunc) string {
	switch f {
	case plan.AggCount:
		return "count"
	case plan.AggUnits:
		return "count_units"
	case plan.AggSum:
		return "sum"
	case plan.AggAvg:
		return "avg"
	case plan.AggDistinct:
		return "count_distinct"
	case plan.AggVarPop, plan.AggVarSamp:
		return "variance"
	case plan.AggStddevPop, plan.AggStddevSamp:
		return "stddev"
	case plan.AggQuantile:
		return "quantile"
	case plan.AggMin:
		return "min"
	case plan.AggMax:
		return "max"
	}
	return "unknown"
}
