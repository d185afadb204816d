// Package engine says what running a bounded plan means: from a plan, the
// segments it is authorised to read and the dataset's salt, compute the exact
// integer draws of every partition, with each privacy unit's contribution
// bounded. An implementation adds no noise; what it returns is private and must
// reach nothing but a mechanism.
//
// Package engine/duckdb is the embedded implementation. What a unit contributes
// is defined by package bounding, and is the same for every implementation.
package engine

import (
	"fmt"
	"slices"

	"github.com/noised/noised/analytics/bounding"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// Segment is one immutable file of one table's rows: of one tenant, ordered by
// unit, or of a public table.
type Segment struct {
	Tenant string // empty for a public table
	Table  string // empty in a dataset of one table
	Path   string // absolute
	// Ranks has the groupings whose ranks are stored with the rows, each sorted;
	// not nil when the rank within the unit is stored, nil where no ranks are.
	Ranks [][]string
	// GoesOn says that some of these ranks go on from those of loads before.
	GoesOn bool
	// Codes has the columns whose codes are stored, each with plan.CodesOf its
	// declared values.
	Codes map[string]string
}

// Input is everything that a run depends on. Two runs with equal inputs give
// equal partials, bit for bit.
type Input struct {
	Plan *plan.Bound
	// Segments are the only files that are opened. Segments of one tenant
	// stand in the order in which they were loaded, which decides which rows
	// come first when Plan.Limits.MaxRows drops a unit's excess.
	Segments []Segment
	// Salt keys the choice of a unit's partitions. It is secret and belongs to
	// the dataset.
	Salt [16]byte
}

// MaxGroups is the largest number of declared groups that an engine numbers.
// The planner allows far fewer.
const MaxGroups = int64(1) << 24

// Check refuses inputs that would read a tenant outside the plan, and plans
// whose limits bound nothing, whose groups are too many, whose draws do not fit
// their quanta, or which read ranks or codes that are not stored. It is the last line of defence, so its errors are internal.
func (in Input) Check() error {
	if in.Plan == nil {
		return privacy.Internal(fmt.Errorf("no plan"), "engine input")
	}
	if err := in.Plan.Limits.Check(); err != nil {
		return privacy.Internal(err, "engine input")
	}
	if in.Plan.DeclaredCount(MaxGroups) > MaxGroups {
		return privacy.Internal(fmt.Errorf("more than %d declared groups", MaxGroups), "engine input")
	}
	for _, d := range in.Plan.Draws {
		if err := checkDraw(d); err != nil {
			return privacy.Internal(err, "engine input")
		}
	}
	if err := checkCells(in.Plan); err != nil {
		return privacy.Internal(err, "engine input")
	}
	if err := checkSources(in.Plan.Sources); err != nil {
		return privacy.Internal(err, "engine input")
	}
	tenants := make(map[string]bool, len(in.Plan.Tenants))
	for _, t := range in.Plan.Tenants {
		tenants[t] = true
	}
	for _, s := range in.Segments {
		if err := in.permits(s, tenants); err != nil {
			return privacy.Internal(err, "engine input")
		}
	}
	if err := in.checkRanks(); err != nil {
		return privacy.Internal(err, "engine input")
	}
	if err := in.checkCodes(); err != nil {
		return privacy.Internal(err, "engine input")
	}
	return nil
}

// checkSources refuses joins in which rows of a unit multiply each other: all
// private tables but one are joined once.
func checkSources(sources []plan.Source) error {
	many := 0
	for _, s := range sources {
		if !s.Public && !s.Once {
			many++
		}
	}
	if len(sources) > 0 && many != 1 {
		return fmt.Errorf("%d private tables are joined with all of their rows", many)
	}
	return nil
}

// permits says whether the plan reads a segment: of a table that it names, and
// of one of its tenants unless that table is public.
func (in Input) permits(s Segment, tenants map[string]bool) error {
	if in.Plan.Sources == nil {
		if s.Table != "" || !tenants[s.Tenant] {
			return fmt.Errorf("a segment of tenant %q and table %q is outside the plan", s.Tenant, s.Table)
		}
		return nil
	}
	i := slices.IndexFunc(in.Plan.Sources, func(o plan.Source) bool { return o.Table == s.Table })
	switch {
	case i < 0:
		return fmt.Errorf("a segment of table %q is outside the plan", s.Table)
	case in.Plan.Sources[i].Public && s.Tenant != "":
		return fmt.Errorf("a segment of tenant %q stands for the public table %q", s.Tenant, s.Table)
	case !in.Plan.Sources[i].Public && !tenants[s.Tenant]:
		return fmt.Errorf("a segment of tenant %q is outside the plan", s.Tenant)
	}
	return nil
}

// Partials are the exact, bounded draws. They are private.
type Partials = bounding.Result
