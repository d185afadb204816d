package planner

import (
	"maps"
	"slices"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/refusal"
	"github.com/noised/noised/privacy"
)

// parameters checks the loss and the bounds that were asked for.
func (p *planning) parameters() error {
	p.loss = p.req.Loss
	if p.loss.Epsilon == 0 {
		p.loss.Epsilon = p.c.Defaults.Epsilon
	}
	if p.loss.Delta == 0 {
		p.loss.Delta = p.c.Defaults.Delta
	}
	if err := p.loss.Check(); err != nil {
		return err
	}
	p.out = plan.Bound{Dataset: p.c.Dataset, Sources: p.out.Sources, Version: p.c.Version, Scope: p.c.Unit.Scope, Limits: p.c.Limits}
	limits := &p.out.Limits
	if err := narrow(&limits.MaxPartitions, p.req.MaxPartitions, "max_partitions"); err != nil {
		return err
	}
	if err := narrow(&limits.MaxRowsPerPartition, p.req.MaxRowsPerPartition, "max_rows_per_partition"); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(p.req.Columns)) {
		col, err := p.column(&plan.Column{Name: name})
		if err != nil {
			return err
		}
		if _, err := p.quantum(col); err != nil {
			return err
		}
	}
	return limits.Check()
}

// narrow lowers a ceiling to what was asked for.
func narrow(ceiling, asked *int64, name string) error {
	if asked == nil {
		return nil
	}
	if *asked < 1 || *asked > *ceiling {
		return privacy.Errorf(privacy.CodePrivacyParameters, "%s must be between 1 and the contract's ceiling of %d", name, *ceiling)
	}
	*ceiling = *asked
	return nil
}

// bounds returns a measure's bounds in this query.
func (p *planning) bounds(col contract.Column) [2]float64 {
	if b, ok := p.req.Columns[col.Name]; ok {
		return b
	}
	return col.Bounds
}

// quantum returns how a bare measure becomes integers in this query.
func (p *planning) quantum(col contract.Column) (plan.Quantum, error) {
	b := p.bounds(col)
	return p.c.Quantum(col, b[0], b[1])
}

// size bounds the shape of the result, and tightens the limits by it. Declared
// keys are public, so that no unit touches more groups than there are, and a
// unit of one tenant touches only that tenant's groups.
func (p *planning) size() error {
	out := &p.out
	limits := &out.Limits
	if limits.MaxRows > 0 {
		limits.MaxPartitions = min(limits.MaxPartitions, limits.MaxRows)
		limits.MaxRowsPerPartition = min(limits.MaxRowsPerPartition, limits.MaxRows)
	}
	limits.MaxRowsPerPartition = min(limits.MaxRowsPerPartition, plan.MaxUnitRows)
	columns := int64(len(out.Outputs))
	for _, d := range out.Draws {
		columns += int64(d.Width())
	}
	groups := out.DeclaredCount(MaxGroups)
	switch {
	case groups > MaxGroups || groups > 0 && columns > maxCells/groups:
		return refusal.New(p.groupPos(), "a result with this many groups is not permitted: the declared keys have %s combinations, of %d noised numbers and columns each", atMost(groups), columns).
			Suggest("group by fewer dimensions, or ask for fewer columns; a quantile of a measure with many steps takes thousands of numbers")
	case columns > maxWidth:
		return refusal.New(p.groupPos(), "more than %d noised numbers per group are not permitted", maxWidth).
			Suggest("ask for quantiles of fewer columns at once")
	}
	limits.MaxPartitions = min(limits.MaxPartitions, groupsPerUnit(out))
	if limits.MaxRows > 0 {
		limits.MaxRows = min(limits.MaxRows, limits.MaxPartitions*limits.MaxRowsPerPartition)
	}
	*limits = chooseNorm(*limits, out.Draws)
	return limits.Check()
}

// chooseNorm keeps the bound on a unit's norm only where it makes some draw less
// noisy; elsewhere there is nothing to scale for, and no reason to count a
// unit's rows as less than they are.
func chooseNorm(limits privacy.Bounds, draws []plan.Draw) privacy.Bounds {
	without := limits
	without.MaxL2 = 0
	for _, d := range draws {
		switch d.Kind {
		case plan.DrawRows, plan.DrawSum, plan.DrawSquares:
			if limits.L2Rows() < without.L2Rows() {
				return limits
			}
		case plan.DrawUnits, plan.DrawDistinct, plan.DrawTree:
		}
	}
	return without
}

func atMost(groups int64) string {
	if groups > MaxGroups {
		return "more than 1,000,000"
	}
	return plan.IntValue(plan.Of(plan.KindBigint), groups).Text()
}

// groupsPerUnit returns how many groups a unit touches at most, by what groups
// there are.
func groupsPerUnit(b *plan.Bound) int64 {
	groups := b.DeclaredCount(MaxGroups)
	byTenant := slices.ContainsFunc(b.Keys, func(k plan.Key) bool { return k.Column == plan.TenantColumn })
	switch {
	case groups == 0: // secret
		return privacy.MaxBound
	case byTenant && b.Scope == plan.ScopeTenant:
		return groups / int64(len(b.Tenants))
	default:
		return groups
	}
}

func (p *planning) groupPos() plan.Pos {
	if len(p.sel.GroupBy) == 0 {
		return 0
	}
	return plan.PosOf(p.sel.GroupBy[0])
}
