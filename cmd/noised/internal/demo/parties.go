package demo

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/loading"
	"github.com/noised/noised/cmd/noised/internal/remote"
	"github.com/noised/noised/cmd/noised/internal/sample"
	"github.com/noised/noised/cmd/noised/internal/screen"
)

// The demonstration's budgets. Every department sets the same; the operator
// caps what one student loses in the dataset as a whole.
var demoBudget = wire.Loss{Epsilon: 5, Delta: 1e-5}

// parties are the demonstration's people: everybody has a key of their own and
// can do no more than their role.
type parties struct {
	url         string
	operatorKey string
	operator    *wire.API
	analyst     *wire.API
	tenants     []string
	admin       map[string]*wire.API // tenant admins, by tenant
	budget      map[string]*wire.API // budget admins
	contributor map[string]*wire.API
}

// key creates an API key and returns a client that uses it.
func (p *parties) key(ctx context.Context, role wire.Role, tenant string) (*wire.API, string, error) {
	k, err := p.operator.CreateKey(ctx, wire.KeyRequest{Role: role, Tenant: remote.Optional(tenant)})
	if err != nil {
		return nil, "", err
	}
	c, err := wire.New(p.url, k.Key, nil)
	return c, k.Key, err
}

// setUp creates tenants, keys, the contract, members and budgets.
func (d *demo) setUp(ctx context.Context) (err error) {
	p := d.parties
	if p.operator, err = wire.New(p.url, p.operatorKey, nil); err != nil {
		return err
	}
	p.tenants = d.rows.Tenants()
	p.admin, p.budget, p.contributor = map[string]*wire.API{}, map[string]*wire.API{}, map[string]*wire.API{}
	d.title("%d organisations: each has its own file, keys and budget", len(p.tenants))
	v, err := p.operator.ApplyContract(ctx, sample.Contract)
	if err != nil {
		return err
	}
	d.say("dataset %s: the operator declared its contract, version %d (testdata/insteval.yaml)", v.Dataset, v.Version)
	for _, t := range p.tenants {
		if err := d.join(ctx, t, v); err != nil {
			return err
		}
	}
	d.say("%s … %s: each accepted the contract and set a budget of ε = %g, δ = %g", p.tenants[0], p.tenants[len(p.tenants)-1], demoBudget.Epsilon, demoBudget.Delta)
	if _, err := p.operator.SetDatasetBudget(ctx, v.Dataset,
		wire.DatasetBudgetRequest{Epsilon: demoBudget.Epsilon, Delta: demoBudget.Delta}); err != nil {
		return err
	}
	d.say("a student counts as one person across all departments; the dataset's own account caps that person's loss")
	p.analyst, d.report.AnalystKey, err = p.key(ctx, wire.Analyst, "")
	return err
}

// join creates one tenant with its keys, and acts for it: accept, set a budget.
func (d *demo) join(ctx context.Context, tenant string, v wire.DatasetVersion) (err error) {
	p := d.parties
	if _, err := p.operator.CreateTenant(ctx, tenant, ""); err != nil {
		return err
	}
	for role, clients := range map[wire.Role]map[string]*wire.API{
		wire.TenantAdmin: p.admin, wire.BudgetAdmin: p.budget, wire.Contributor: p.contributor,
	} {
		if clients[tenant], _, err = p.key(ctx, role, tenant); err != nil {
			return err
		}
	}
	if _, err := p.admin[tenant].AcceptContract(ctx, v.Dataset, tenant, v.Version); err != nil {
		return err
	}
	_, err = p.budget[tenant].SetTenantBudget(ctx, tenant,
		wire.TenantBudgetRequest{Epsilon: demoBudget.Epsilon, Delta: demoBudget.Delta})
	return err
}

// load uploads every department's file and waits for the rows.
func (d *demo) load(ctx context.Context) error {
	p := d.parties
	d.title("Loading: %s split into %d uploads", sampleFile, len(p.tenants))
	files, err := d.rows.Files()
	if err != nil {
		return err
	}
	loads := make([]wire.Load, 0, len(p.tenants))
	bar := loading.NewProgress(d.notes, "departments", 0)
	defer bar.Done()
	for _, t := range p.tenants {
		l, err := p.contributor[t].Upload(ctx,
			wire.Upload{Dataset: "insteval", Tenant: t, ContentType: wire.TypeParquet, Size: int64(len(files[t]))}, bytes.NewReader(files[t]))
		if err != nil {
			return err
		}
		loads = append(loads, l)
	}
	var rejected int64
	for i, l := range loads {
		l, err := loading.WaitForLoad(ctx, p.contributor[l.Tenant], l.ID, bar.Quiet)
		if err != nil {
			return err
		}
		if l.State != wire.LoadStateSucceeded {
			return fmt.Errorf("the load of %s %s: %s", l.Tenant, l.State, remote.Explain(&wire.ProblemError{Problem: remote.Value(l.Error)}))
		}
		loads[i] = l
		d.report.Rows += l.RowsLoaded
		rejected += l.RowsRejected
	}
	bar.Done()
	d.say("%s rows loaded by %d jobs, %d rejected; column %v is not in the contract and was left out",
		screen.Thousands(d.report.Rows), len(loads), rejected, loads[0].IgnoredColumns)
	d.say("on disk, students are keyed pseudonyms; each department's file is sorted, read-only and never rewritten")
	return nil
}

// budgetsBefore and budgetsAfter show every account, and how spending added up.
func (d *demo) budgetsBefore(ctx context.Context) error { return d.budgets(ctx, "Budgets before") }

func (d *demo) budgetsAfter(ctx context.Context) error {
	if err := d.budgets(ctx, "Budgets after"); err != nil {
		return err
	}
	charged := make([]string, len(d.report.Questions))
	for i, q := range d.report.Questions {
		charged[i] = screen.Short(q.Epsilon)
	}
	d.say("charged were ε = %s; losses add up by their squares, so less than the sum is spent, and nine tenths of a δ go to that with the first question", strings.Join(charged, " + "))
	return nil
}

func (d *demo) budgets(ctx context.Context, title string) error {
	d.title("%s", title)
	all := screen.Grid{Header: []string{"account", "cap ε", "cap δ", "spent ε", "spent δ", "left ε", "left δ"},
		Right: map[int]bool{1: true, 2: true, 3: true, 4: true, 5: true, 6: true}}
	add := func(account string, epsilon, delta float64, spent, left wire.Amount) {
		all.Add(account, screen.Short(epsilon), screen.Short(delta), screen.Short(spent.Epsilon), screen.Short(spent.Delta), screen.Short(left.Epsilon), screen.Short(left.Delta))
	}
	for _, t := range d.parties.tenants {
		b, err := d.parties.budget[t].TenantBudget(ctx, t)
		if err != nil {
			return err
		}
		add(b.Tenant, b.Epsilon, b.Delta, b.Spent, b.Remaining)
	}
	all.Rows = mergeEqual(all.Rows)
	b, err := d.parties.operator.DatasetBudget(ctx, "insteval")
	if err != nil {
		return err
	}
	add(b.Dataset, b.Epsilon, b.Delta, b.Spent, b.Remaining)
	all.Write(d.out)
	return nil
}

// mergeEqual shows neighbouring rows that differ in their first cell only as
// one row, "first … last (n)".
func mergeEqual(rows [][]string) [][]string {
	var out [][]string
	for i := 0; i < len(rows); {
		n := 1
		for i+n < len(rows) && slices.Equal(rows[i][1:], rows[i+n][1:]) {
			n++
		}
		row := slices.Clone(rows[i])
		if n > 1 {
			row[0] = fmt.Sprintf("%s … %s (%d)", rows[i][0], rows[i+n-1][0], n)
		}
		out = append(out, row)
		i += n
	}
	return out
}
