package sources

import (
	"slices"

	"github.com/noised/noised/analytics/canon"
	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/refusal"
	"github.com/noised/noised/privacy"
)

// Source is one table of FROM.
type Source struct {
	Outer bool // on the right of a LEFT JOIN

	at        *plan.Table
	table     contract.Table
	name      string // by which columns are qualified in the text
	on        []plan.Expr
	placed    bool
	qualifier string // of its bound columns; empty in a dataset of one table
}

// From is a resolved FROM.
type From struct {
	c       *contract.Contract
	sources []*Source // in the order of the text
	// Placed are the joined tables as a plan has them, in the order in which they
	// are connected; nil in a dataset of one table.
	Placed []plan.Source
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

// Resolve resolves FROM. Conditions of joins are taken out of WHERE and ON:
// equalities between tables become the plan's joins, other conditions of inner
// joins are part of the WHERE that it returns.
func Resolve(c *contract.Contract, from plan.From, where plan.Expr) (*From, plan.Expr, error) {
	f := &From{c: c}
	conditions, err := f.flatten(from)
	if err != nil {
		return nil, nil, err
	}
	if c.Tables == nil {
		if len(f.sources) > 1 {
			return nil, nil, refusal.New(f.sources[1].at.Pos, "joining a dataset of one table with itself is not permitted").
				Suggest("aggregate over its rows; a unit's rows are bounded together")
		}
		return f, where, nil
	}
	for _, s := range f.sources {
		s.qualifier = s.name
	}
	several := len(f.sources) > 1
	if several {
		for _, e := range ands(where) {
			conditions = append(conditions, hoist(e)...)
		}
	}
	rest, err := f.join(conditions)
	if err != nil {
		return nil, nil, err
	}
	if several {
		where = canon.Conjunction(rest)
	}
	return f, where, nil
}

// flatten lists the tables of FROM and returns the conditions of its inner
// joins. Inner joins may be regrouped, and a LEFT JOIN reads nothing but its own
// left side, so that the order of the tables is all that remains of the tree.
func (f *From) flatten(from plan.From) ([]plan.Expr, error) {
	switch t := from.(type) {
	case *plan.Table:
		return nil, f.addSource(t)
	case *plan.Join:
		if len(t.Using) > 0 {
			break // it has been resolved where names have been
		}
		left, err := f.flatten(t.Left)
		if err != nil {
			return nil, err
		}
		if _, one := t.Right.(*plan.Table); t.Outer && !one {
			return nil, refusal.New(t.Pos, "a LEFT JOIN with a join on its right side is not permitted").Suggest("LEFT JOIN one table after the other")
		}
		right, err := f.flatten(t.Right)
		if err != nil {
			return nil, err
		}
		if t.Outer {
			s := f.sources[len(f.sources)-1]
			s.Outer, s.on = true, ands(t.On)
			return left, nil
		}
		return slices.Concat(left, right, ands(t.On)), nil
	case *plan.Subquery:
	}
	return nil, refusal.New(plan.Tables(from)[0].Pos, "this form of FROM is not permitted").Suggest("join tables with ON")
}

func (f *From) addSource(t *plan.Table) error {
	table, err := tableOf(f.c, t)
	if err != nil {
		return err
	}
	s := &Source{at: t, table: table, name: t.Alias}
	for _, name := range []string{t.Name, t.Dataset} {
		if s.name == "" {
			s.name = name
		}
	}
	for _, o := range f.sources {
		if o.name == s.name {
			return refusal.New(t.Pos, "two tables called %q in one FROM are not permitted", refusal.Shorten(s.name)).Suggest("give one of them an alias")
		}
		if o.table.Name == table.Name && !table.Public && f.c.Tables != nil {
			return refusal.New(t.Pos, "the private table %q twice is not permitted", table.Name).
				Suggest("read it once; public tables may be joined several times")
		}
	}
	f.sources = append(f.sources, s)
	return nil
}
