package sqlgen

import (
	"fmt"
	"strings"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/sqlexpr"
)

// ranks renders which rows of a table are kept, by the ranks that are stored
// with them: before the filter, and each unit's by that unit's rows alone. There
// are no such conditions on public tables, nor in a statement whose rows are
// streamed.
//
// In a join the rows of the one table that is not joined once are limited, and
// of the others one row for each key of a unit is kept: the one that is first
// in the ranking of the key.
func (s *selection) ranks(src plan.Source) ([]string, error) {
	if !s.ranked || src.Public {
		return nil, nil
	}
	p, by := s.plan, s.plan.Strategy
	switch {
	case src.Once && src.Key != "":
		return s.below(src, plan.RowRank([]string{src.Key}), 1)
	case src.Once:
		return s.below(src, plan.UnitRank, 1)
	case by.Bounding == plan.BoundRows:
		return s.below(src, plan.UnitRank, p.Limits.MaxRows)
	case by.Bounding == plan.BoundIndex:
		kept, err := s.below(src, plan.RowRank(by.Grouping), p.Limits.MaxRowsPerPartition)
		if groups := p.UnitGroups(); err != nil || groups > 0 && groups <= p.Limits.MaxPartitions {
			return kept, err // no unit has more groups
		}
		keys, err := s.below(src, plan.KeyRank(by.Grouping), p.Limits.MaxPartitions)
		return append(keys, kept...), err
	}
	return nil, fmt.Errorf("the bounding %d is unknown", by.Bounding)
}

// countedBy is the rank that is 0 in one row of each unit and group, which
// counts units.
func countedBy(p *plan.Bound) string {
	if p.Strategy.Bounding == plan.BoundIndex {
		return plan.RowRank(p.Strategy.Grouping)
	}
	return plan.UnitRank
}

// below compares with a limit that ranks can tell from larger ones: from MaxRank
// on they are all MaxRank. Where all ranks that are stored are known to be below
// it, each row would pass, and so the comparison is left out: every row has a
// rank, and what is kept is the same, so that only time is saved.
func (s *selection) below(src plan.Source, rank string, limit int64) ([]string, error) {
	if limit < 1 || limit > plan.MaxRank {
		return nil, fmt.Errorf("ranks do not bound at %d", limit)
	}
	name, err := sqlexpr.QuoteName(rank)
	if err == nil && s.known.Below != nil && s.known.Below(src.Alias, rank, limit) {
		return nil, nil
	}
	return []string{fmt.Sprintf("%s < %d", name, limit)}, err
}

// where renders conditions that must all hold.
func where(conditions []string) string {
	if len(conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(conditions, " AND ")
}
