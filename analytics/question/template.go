package question

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/planner"
	"github.com/noised/noised/analytics/reduce"
	"github.com/noised/noised/analytics/template"
	"github.com/noised/noised/privacy"
)

// named puts into a request what the template that it names stands for now. From
// then on the request is complete: a charge is redeemed with what it was made for,
// whatever becomes of the template.
func (p *Preparer) named(ctx context.Context, r *Request) error {
	dataset, name, ok := strings.Cut(r.Template, "/")
	switch {
	case r.Template == "" && r.Parameters == nil:
		return nil
	case r.SQL != "" || !ok:
		return privacy.Errorf(privacy.CodeInvalidRequest, "give sql, or a template as dataset/name with its parameters")
	case r.Tenants != nil || r.OnExhausted == OnExhaustedExclude || r.OnElsewhere == OnElsewhereExclude:
		// Its members agreed to the question as it stands, not to one about some of
		// them.
		return privacy.Errorf(privacy.CodeInvalidRequest, "a template is asked of all members: leave tenants, on_exhausted and on_elsewhere out")
	case r.Columns != nil || r.MaxPartitions != nil || r.MaxRowsPerPartition != nil:
		// Clamps tell other things of rows: a sum between 0 and 1 counts.
		return privacy.Errorf(privacy.CodeInvalidRequest, "a template is asked within its contract's bounds: leave columns, max_partitions and max_rows_per_partition out")
	}
	v, err := template.Latest(ctx, p.DB, dataset, name)
	if err != nil {
		return err
	}
	arguments, err := json.Marshal(r.Parameters)
	if err != nil {
		return privacy.Errorf(privacy.CodeInvalidRequest, "the parameters are not JSON")
	}
	r.Resolved = &v.Template
	r.SQL = v.Template.SQL + "\n-- " + r.Template + " " + string(arguments) // for whoever reads the release; never parsed
	return nil
}

// parse reads what a request asks.
func (p *Preparer) parse(ctx context.Context, r Request) (*plan.Select, error) {
	if r.Resolved == nil {
		return p.Parser.Parse(ctx, r.SQL)
	}
	arguments, err := r.Resolved.Bind(r.Parameters)
	if err != nil {
		return nil, err
	}
	return p.Parser.ParseTemplate(ctx, r.Resolved.SQL, arguments)
}

// agreed refuses a template that is asked at a larger δ than its contract's: at the
// same ε that buys less noise, and loses more than its members agreed to.
func (q *question) agreed() error {
	r, most := q.request, q.dataset.Contract.Defaults.Delta
	if r.Resolved != nil && r.Delta != nil && *r.Delta > most {
		return privacy.Errorf(privacy.CodePrivacyParameters, "a template is asked at its contract's delta, %g, or less", most)
	}
	return nil
}

// Try refuses a template that could not be asked: what it says is permitted under
// the contract in force, for one choice of arguments, and is about its dataset.
func (p *Preparer) Try(ctx context.Context, dataset string, t template.Template) error {
	ds, err := p.Catalog.Dataset(ctx, dataset)
	if err != nil {
		return err
	}
	if err := t.Check(); err != nil {
		return err
	}
	arguments, err := t.Bind(t.Example())
	if err != nil {
		return err
	}
	sel, err := p.Parser.ParseTemplate(ctx, t.SQL, arguments)
	if err != nil {
		return err
	}
	if err := about(sel, dataset); err != nil {
		return err
	}
	if sel, err = reduce.Reduce(sel, planner.Columns(ds.Contract)); err != nil {
		return err
	}
	members := []string{}
	for _, m := range ds.Members {
		members = append(members, m.Tenant)
	}
	if len(members) == 0 {
		members = []string{"whoever_joins"} // what may be asked follows from the contract, whoever its members are
	}
	_, err = planner.Plan(sel, planner.Dataset{Contract: ds.Contract, Members: members}, planner.Request{Loss: privacy.Loss{Epsilon: t.Epsilon}})
	return err
}

// about refuses a question about another dataset than it is said to be.
func about(sel *plan.Select, dataset string) error {
	for _, t := range plan.Tables(sel.From) {
		if t.Dataset != dataset {
			return privacy.Errorf(privacy.CodeQueryNotPermitted, "the template is about another dataset than its own").At(int(t.Pos))
		}
	}
	return nil
}
