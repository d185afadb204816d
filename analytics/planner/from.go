package planner

import (
	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/sources"
)

// Columns returns the names of the columns that a query may write for a table
// of the contract, for resolving subqueries before planning.
func Columns(c *contract.Contract) func(*plan.Table) ([]string, error) { return sources.Columns(c) }

// sources resolves FROM, and takes the conditions of joins out of WHERE.
func (p *planning) sources() error {
	from, where, err := sources.Resolve(p.c, p.sel.From, p.sel.Where)
	if err != nil {
		return err
	}
	sel := *p.sel
	sel.Where = where
	p.sel, p.from, p.out.Sources = &sel, from, from.Placed
	return nil
}

// column resolves a name.
func (p *planning) column(c *plan.Column) (contract.Column, error) {
	_, col, err := p.from.Resolve(c)
	return col, err
}
