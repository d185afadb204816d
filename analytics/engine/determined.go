package engine

import (
	"fmt"
	"slices"

	"github.com/noised/noised/analytics/plan"
)

// checkDetermined refuses joins whose rows are more than those of the private
// table that is not joined once, which is the one that a limit of rows is
// enforced on. Call it R.
//
// A unit's joined rows are no more than its rows of R, if each holds a row of R
// that determines the rows of all other sources. A source that is joined once is
// determined if it has no key, for then a unit has one row of it, or if its key
// equals a column of a source that is determined, for then there is one row
// with it. An equality counts where it holds in every joined row in which the
// source has a row: at the source itself, or at one that is not outer. A public
// table is determined by the columns that it is joined on, provided that it has
// no two rows that agree in them: that is for the engine to see, by FanOuts.
//
// Where R is outer, joined rows may lack a row of R. These must be one per unit:
// then private tables before R have no key, and the unit alone determines them;
// what follows is determined as above. One row is no more than m ≥ 1.
func checkDetermined(sources []plan.Source) error {
	r := slices.IndexFunc(sources, func(s plan.Source) bool { return !s.Public && !s.Once })
	if r < 0 {
		return nil // a plan of one table
	}
	for _, s := range sources[:r] {
		if sources[r].Outer && s.Once && s.Key != "" {
			return fmt.Errorf("rows of %s without one of %s are not limited", s.Table, sources[r].Table)
		}
	}
	known := map[string]bool{sources[r].Alias: true}
	for more := true; more; {
		more = false
		for _, s := range sources {
			if !known[s.Alias] && determined(s, sources, known) {
				known[s.Alias], more = true, true
			}
		}
	}
	for _, s := range sources {
		if !known[s.Alias] {
			return fmt.Errorf("a row of %s is not determined by one of %s", s.Table, sources[r].Table)
		}
	}
	return nil
}

func determined(s plan.Source, sources []plan.Source, known map[string]bool) bool {
	if s.Public {
		return !slices.ContainsFunc(s.On, func(on plan.Equal) bool { return !known[on.Left.Qualifier] })
	}
	if s.Key == "" {
		return true
	}
	for _, at := range sources {
		if at.Outer && at.Alias != s.Alias {
			continue
		}
		for _, on := range at.On {
			for _, pair := range [][2]*plan.Column{{on.Left, on.Right}, {on.Right, on.Left}} {
				if pair[0].Qualifier == s.Alias && pair[0].Name == s.Key && known[pair[1].Qualifier] {
					return true
				}
			}
		}
	}
	return false
}
