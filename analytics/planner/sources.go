package planner

import (
	"slices"

	"github.com/noised/noised/analytics/canon"
	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/refusal"
	"github.com/noised/noised/privacy"
)

// source is one table of FROM.
type source struct {
	at        *plan.Table
	table     contract.Table
	name      string // by which columns are qualified in the text
	outer     bool   // on the right of a LEFT JOIN
	on        []plan.Expr
	placed    bool
	qualifier string // of its bound columns; empty in a dataset of one table
}

// Columns returns the names of the columns that a query may write for a table
// of the contract, for resolving subqueries before planning.
func Columns(c *contract.Contract) func(*plan.Table) ([]string, error) {
	return func(t *plan.Table) ([]string, error) {
		table, err := tableOf(c, t)
		if err != nil {
			return nil, err
		}
		return columnNames(c, table), nil
	}
}

func columnNames(c *contract.Contract, table contract.Table) []string {
	names := make([]string, 0, len(table.Columns)+1)
	for _, col := range table.Columns {
		names = append(names, col.Name)
	}
	if c.TenantDimension && !table.Public {
		names = append(names, plan.TenantColumn)
	}
	return names
}

// tableOf finds the table that FROM names. All tables of a query are of one
// dataset: another one has units of its own.
func tableOf(c *contract.Contract, t *plan.Table) (contract.Table, error) {
	if t.Dataset != c.Dataset {
		return contract.Table{}, refusal.New(t.Pos, "a query over the datasets %q and %q is not permitted", c.Dataset, refusal.Shorten(t.Dataset)).
			Suggest("query one dataset at a time")
	}
	if table, ok := c.Table(t.Name); ok {
		return table, nil
	}
	err := privacy.Errorf(privacy.CodeUnknownDataset, "dataset %q has no table %q", c.Dataset, refusal.Shorten(t.Name)).At(int(t.Pos))
	if c.Tables == nil {
		return contract.Table{}, err.Suggest("it has one table: write FROM %s", c.Dataset)
	}
	var names []string
	for _, table := range c.Tables {
		names = append(names, c.Dataset+"."+table.Name)
	}
	if t.Name == "" {
		err = privacy.Errorf(privacy.CodeUnknownDataset, "the dataset %q has several tables", c.Dataset).At(int(t.Pos))
	}
	return contract.Table{}, err.Suggest("its tables are: %s", refusal.Listed(names))
}

// sources resolves FROM. Conditions of joins are taken out of WHERE and ON:
// equalities between tables become the plan's joins, other conditions of inner
// joins its filter.
func (p *planning) sources() error {
	sel := *p.sel
	p.sel = &sel
	conditions, err := p.flatten(sel.From)
	if err != nil {
		return err
	}
	if p.c.Tables == nil {
		if len(p.from) > 1 {
			return refusal.New(p.from[1].at.Pos, "joining a dataset of one table with itself is not permitted").
				Suggest("aggregate over its rows; a unit's rows are bounded together")
		}
		return nil
	}
	for _, s := range p.from {
		s.qualifier = s.name
	}
	if len(p.from) > 1 {
		for _, c := range ands(sel.Where) {
			conditions = append(conditions, hoist(c)...)
		}
		sel.Where = nil
	}
	rest, err := p.join(conditions)
	if err != nil {
		return err
	}
	if len(p.from) > 1 {
		sel.Where = canon.Conjunction(rest)
	}
	return nil
}

// flatten lists the tables of FROM and returns the conditions of its inner
// joins. Inner joins may be regrouped, and a LEFT JOIN reads nothing but its own
// left side, so that the order of the tables is all that remains of the tree.
func (p *planning) flatten(f plan.From) ([]plan.Expr, error) {
	switch f := f.(type) {
	case *plan.Table:
		return nil, p.addSource(f)
	case *plan.Join:
		if len(f.Using) > 0 {
			break // it has been resolved where names have been
		}
		left, err := p.flatten(f.Left)
		if err != nil {
			return nil, err
		}
		if _, one := f.Right.(*plan.Table); f.Outer && !one {
			return nil, refusal.New(f.Pos, "a LEFT JOIN with a join on its right side is not permitted").Suggest("LEFT JOIN one table after the other")
		}
		right, err := p.flatten(f.Right)
		if err != nil {
			return nil, err
		}
		if f.Outer {
			s := p.from[len(p.from)-1]
			s.outer, s.on = true, ands(f.On)
			return left, nil
		}
		return slices.Concat(left, right, ands(f.On)), nil
	case *plan.Subquery:
	}
	return nil, refusal.New(plan.Tables(f)[0].Pos, "this form of FROM is not permitted").Suggest("join tables with ON")
}

func (p *planning) addSource(t *plan.Table) error {
	table, err := tableOf(p.c, t)
	if err != nil {
		return err
	}
	s := &source{at: t, table: table, name: t.Alias}
	for _, name := range []string{t.Name, t.Dataset} {
		if s.name == "" {
			s.name = name
		}
	}
	for _, o := range p.from {
		if o.name == s.name {
			return refusal.New(t.Pos, "two tables called %q in one FROM are not permitted", refusal.Shorten(s.name)).Suggest("give one of them an alias")
		}
		if o.table.Name == table.Name && !table.Public && p.c.Tables != nil {
			return refusal.New(t.Pos, "the private table %q twice is not permitted", table.Name).
				Suggest("read it once; public tables may be joined several times")
		}
	}
	p.from = append(p.from, s)
	return nil
}

// resolve finds the source and the column of a name. The implicit dimension is
// a varchar dimension of no source, whose domain the caller fills in.
func (p *planning) resolve(c *plan.Column) (*source, contract.Column, error) {
	found := p.candidates(c.Qualifier, func(*source) bool { return true })
	if len(found) == 0 {
		err := privacy.Errorf(privacy.CodeUnknownColumn, "nothing in FROM is called %q", refusal.Shorten(c.Qualifier)).At(int(c.Pos))
		if len(p.from) == 1 {
			return nil, contract.Column{}, err.Suggest("write %s.%s", p.from[0].name, c.Name)
		}
		return nil, contract.Column{}, err
	}
	private := p.candidates(c.Qualifier, func(s *source) bool { return !s.table.Public })
	if c.Name == plan.TenantColumn && p.c.TenantDimension && len(private) > 0 {
		return nil, contract.Column{Name: plan.TenantColumn, Type: plan.Of(plan.KindVarchar), Role: contract.RoleDimension}, nil
	}
	found = p.candidates(c.Qualifier, func(s *source) bool { _, has := s.table.Column(c.Name); return has })
	switch len(found) {
	case 0:
		return nil, contract.Column{}, p.unknownColumn(c.Name, c.Pos)
	case 1:
		col, _ := found[0].table.Column(c.Name)
		return found[0], col, nil
	}
	return nil, contract.Column{}, privacy.Errorf(privacy.CodeUnknownColumn, "the name %q is ambiguous", refusal.Shorten(c.Name)).At(int(c.Pos)).
		Suggest("write %s.%s or %s.%s", found[0].name, c.Name, found[1].name, c.Name)
}

func (p *planning) candidates(qualifier string, is func(*source) bool) []*source {
	var out []*source
	for _, s := range p.from {
		if (qualifier == "" || qualifier == s.name) && is(s) {
			out = append(out, s)
		}
	}
	return out
}

// bound returns the bound form of a resolved column.
func bound(s *source, col contract.Column, at plan.Pos) *plan.Column {
	b := &plan.Column{Name: col.Name, Type: col.Type, Pos: at}
	if s != nil {
		b.Qualifier = s.qualifier
	}
	return b
}

// isUnit reports whether a column holds unit ids.
func (p *planning) isUnit(s *source, col contract.Column) bool {
	return s != nil && p.c.IdentifiesUnit(s.table.Name, col.Name)
}
