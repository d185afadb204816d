package planner

import (
	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// Columns returns the names of the columns that a query may write for a table
// of the contract, for resolving subqueries before planning.
func Columns(c *contract.Contract) func(*plan.Table) ([]string, error) {
	return func(t *plan.Table) ([]string, error) {
		table, err := tableOf(c, t)
		if err != nil {
			return nil, err
		}
		names := make([]string, 0, len(table.Columns)+1)
		for _, col := range table.Columns {
			names = append(names, col.Name)
		}
		if c.TenantDimension && !table.Public {
			names = append(names, plan.TenantColumn)
		}
		return names, nil
	}
}

// tableOf finds the table that FROM names. All tables of a query are of one
// dataset: another one has units of its own.
func tableOf(c *contract.Contract, t *plan.Table) (contract.Table, error) {
	if t.Dataset != c.Dataset {
		return contract.Table{}, refuse(t.Pos, "a query over the datasets %q and %q is not permitted", c.Dataset, shorten(t.Dataset)).
			Suggest("query one dataset at a time")
	}
	if table, ok := c.Table(t.Name); ok {
		return table, nil
	}
	err := privacy.Errorf(privacy.CodeUnknownDataset, "dataset %q has no table %q", c.Dataset, shorten(t.Name)).At(int(t.Pos))
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
	return contract.Table{}, err.Suggest("its tables are: %s", listed(names))
}

// sources resolves FROM.
func (p *planning) sources() error {
	t, ok := p.sel.From.(*plan.Table)
	if !ok {
		return refuse(plan.Tables(p.sel.From)[0].Pos, "a join is not permitted").Suggest("query one table at a time")
	}
	if _, err := tableOf(p.c, t); err != nil {
		return err
	}
	if p.c.Tables != nil {
		return refuse(t.Pos, "a dataset of several tables is not permitted")
	}
	return nil
}
