package plan

import "strings"

// Bounding says how the contributions of units are brought within the limits of
// a plan. The sensitivities of draws follow from the limits alone, whichever way
// it is; what is kept of a unit that exceeds them differs.
type Bounding uint8

// The ways of bounding.
const (
	// BoundStream reads rows in the order of units and bounds each unit as it
	// passes, after the filter: package bounding. It serves every plan.
	BoundStream Bounding = iota
	// BoundIndex keeps, before the filter, the rows whose stored ranks for a
	// grouping are within the limits: KeyRank < MaxPartitions and
	// RowRank < MaxRowsPerPartition.
	BoundIndex
	// BoundRows keeps, before the filter, the rows whose stored rank within their
	// unit is below the limit: UnitRank < MaxRows.
	BoundRows
)

// String returns the name that an explanation shows.
func (b Bounding) String() string {
	switch b {
	case BoundIndex:
		return "index"
	case BoundRows:
		return "rows"
	case BoundStream:
	}
	return "stream"
}

// Strategy is how a plan is bounded.
type Strategy struct {
	Bounding Bounding
	// Grouping has the columns of the index, sorted; nil unless BoundIndex.
	Grouping []string
	// Whole asks for ranks that were made of all rows of a table at once. Ranks
	// that go on from load to load bound as much, but prefer the rows of earlier
	// loads: a unit that has as many as are kept is never seen to have others.
	Whole bool
}

// String returns what an explanation shows: "stream", "rows" or "index on a, b".
func (s Strategy) String() string {
	if s.Bounding != BoundIndex {
		return s.Bounding.String()
	}
	return "index on " + strings.Join(s.Grouping, ", ")
}

// Ranks are stored with each row when it is loaded. They count from 0 and stop
// at MaxRank, which stands for itself and all beyond.
const (
	// UnitRank is the column of a row's rank among the rows of its unit.
	UnitRank = "_row"
	MaxRank  = 1<<16 - 1
)

// KeyRank is the column of the rank of a row's key among the keys of its unit,
// for a grouping, whose columns are sorted. Names of columns have no colons.
func KeyRank(grouping []string) string { return "_key:" + strings.Join(grouping, ",") }

// RowRank is the column of a row's rank among the rows of its unit that have its
// key, for a grouping.
func RowRank(grouping []string) string { return "_row:" + strings.Join(grouping, ",") }
