package question

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

// Permit asks the contract who may ask, and the policies for what a principal would now be shown, and keeps the
// version that permitted it. It comes before any charge, and before a stored
// release is shown to another reader.
func (p *Preparer) Permit(ctx context.Context, by privacy.Principal, operation string, q *Prepared) error {
	b := q.Priced.Plan
	if !q.Dataset.Contract.MayAsk(by.Group) {
		return privacy.Errorf(privacy.CodeForbidden, "the contract of %s does not let this principal's group ask", q.Dataset.Name)
	}
	if q.Dataset.Contract.TemplatesOnly && q.Request.Resolved == nil {
		return privacy.Errorf(privacy.CodeQueryNotPermitted, "%s is asked by its approved templates only", q.Dataset.Name).
			Suggest("name a template of the dataset and its parameters")
	}
	d, err := p.Policies.Decide(ctx, policy.Request{
		Principal: by, Action: operation, Tenants: b.Tenants,
		Resource: policy.Resource{Type: policy.TypeDataset, Name: q.Dataset.Name},
		Question: &policy.Question{Purpose: q.Request.Purpose, Aggregates: aggregatesOf(b), Loss: q.Priced.Loss},
	})
	if err != nil {
		return err
	}
	q.Policy = d.Version
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
