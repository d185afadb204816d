package question

import (
	"cmp"
	"context"
	"strings"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/inputs"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/planner"
	"github.com/noised/noised/analytics/pricing"
	"github.com/noised/noised/analytics/reduce"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/containment"
)

// question is a request that is understood: what is asked, and of which
// dataset.
type question struct {
	request Request
	sel     *plan.Select
	dataset catalog.Dataset
	permit  func(*Prepared) error // decides it by the policies once its plan is known
}

// Prepare parses, permits, bounds and prices a request of a principal, and finds
// the generations it would read.
func (p *Preparer) Prepare(ctx context.Context, by privacy.Principal, r Request) (*Prepared, error) {
	if err := p.named(ctx, &r); err != nil {
		return nil, err
	}
	q, err := p.understand(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := q.agreed(); err != nil {
		return nil, err
	}
	q.permit = func(made *Prepared) error {
		if err := p.features(ctx, by, made); err != nil {
			return err
		}
		return p.Permit(ctx, by, r.As(), made)
	}
	if err := p.leaveOut(q); err != nil {
		return nil, err
	}
	loss, err := p.lossFor(ctx, by.ID, q)
	if err != nil {
		return nil, err
	}
	made, err := p.priceAt(ctx, q, loss)
	if err == nil {
		made.Asker = by
	}
	return made, err
}

// PrepareAgain prepares a request at the loss that it was charged at, so that
// one of a wanted accuracy is the same query again whatever it would find now.
func (p *Preparer) PrepareAgain(ctx context.Context, r Request, charged privacy.Loss) (*Prepared, error) {
	q, err := p.understand(ctx, r)
	if err != nil {
		return nil, err
	}
	q.permit = func(*Prepared) error { return nil } // it was permitted when it was charged
	loss := charged
	if r.Accuracy == nil {
		if loss, err = r.loss(); err != nil {
			return nil, err
		}
	}
	return p.priceAt(ctx, q, loss)
}

// understand parses a request and finds its dataset.
func (p *Preparer) understand(ctx context.Context, r Request) (*question, error) {
	if r.OnExhausted != "" && r.OnExhausted != OnExhaustedFail && r.OnExhausted != OnExhaustedExclude {
		return nil, privacy.Errorf(privacy.CodeInvalidRequest, "on_exhausted must be %q or %q", OnExhaustedFail, OnExhaustedExclude)
	}
	if r.OnElsewhere != "" && r.OnElsewhere != OnElsewhereFail && r.OnElsewhere != OnElsewhereExclude {
		return nil, privacy.Errorf(privacy.CodeInvalidRequest, "on_elsewhere must be %q or %q", OnElsewhereFail, OnElsewhereExclude)
	}
	sel, err := p.parse(ctx, r)
	if err != nil {
		return nil, err
	}
	from := plan.Tables(sel.From)[0]
	if dataset, _, ok := strings.Cut(r.Template, "/"); ok {
		if err := about(sel, dataset); err != nil {
			return nil, err
		}
	}
	ds, err := p.Catalog.Dataset(ctx, from.Dataset)
	if err != nil {
		return nil, p.atTable(ctx, err, from)
	}
	if err := p.Containment.Check(ctx, containment.Touches{Dataset: ds.Name, Tenants: r.Tenants}); err != nil {
		return nil, err
	}
	if sel, err = reduce.Reduce(sel, planner.Columns(ds.Contract)); err != nil {
		return nil, err
	}
	return &question{request: r, sel: sel, dataset: ds}, nil
}

// maxSuggested is how many datasets a suggestion names.
const maxSuggested = 3

// atTable points an unknown-dataset error at the FROM clause, and names the
// datasets that have a table of the name that stands there. Contracts are for
// every analyst to read, so this tells nothing new.
func (p *Preparer) atTable(ctx context.Context, err error, from *plan.Table) error {
	e := privacy.AsError(err)
	if e.Code != privacy.CodeUnknownDataset {
		return err
	}
	e = e.At(int(from.Pos))
	all, err := p.Catalog.Datasets(ctx)
	if err != nil {
		return err
	}
	name := strings.ToLower(cmp.Or(from.Name, from.Dataset))
	var names []string
	for _, d := range all {
		if _, ok := d.Contract.Table(name); ok && len(names) < maxSuggested {
			names = append(names, "FROM "+d.Name+"."+name)
		}
	}
	if names == nil {
		return e
	}
	return e.Suggest("write %s", strings.Join(names, ", or "))
}

// plan permits, bounds and prices the question at a loss. It is a function of
// the contract, its members, the request and the loss.
func (q *question) plan(loss privacy.Loss) (*pricing.Priced, error) {
	r := q.request
	return planner.Plan(q.sel, planner.Dataset{Contract: q.dataset.Contract, Members: q.dataset.Active()}, planner.Request{
		Loss: loss, MaxPartitions: r.MaxPartitions, MaxRowsPerPartition: r.MaxRowsPerPartition, Columns: r.Columns, Tenants: r.Tenants,
	})
}

func (p *Preparer) priceAt(ctx context.Context, q *question, loss privacy.Loss) (*Prepared, error) {
	priced, err := q.plan(loss)
	if err != nil {
		return nil, err
	}
	if err := q.request.within(priced.Loss); err != nil {
		return nil, err
	}
	ds := q.dataset
	if err := p.resident(ds, priced.Plan.Tenants); err != nil {
		return nil, err
	}
	if n := priced.Plan.DeclaredCount(p.MaxGroups); n > p.MaxGroups {
		return nil, privacy.Errorf(privacy.CodeQueryNotPermitted, "the declared keys have more than %d combinations", p.MaxGroups).
			Suggest("group by fewer dimensions")
	}
	gens, err := p.Catalog.CurrentUnder(ctx, ds.Contract, inputs.Owners(priced.Plan))
	if err != nil {
		return nil, err
	}
	made := &Prepared{Request: q.request, Dataset: ds, Priced: priced, Core: coreDigest(priced)}
	if made.Key, err = p.Key(ctx, releaseKey(made.Core, inputs.Owners(priced.Plan), gens)); err != nil {
		return nil, err
	}
	if err := q.permit(made); err != nil {
		return nil, err
	}
	made.Inputs = inputs.Of(priced.Plan, gens, p.DataDir)
	return made, p.Engine.Permits(ctx, made.Inputs.Input())
}
