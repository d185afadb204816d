package verdict

import "strconv"

// Goal is a figure that must be there, and what it must be.
type Goal struct {
	name string
	says string
	met  func(v float64, other func(name string) float64) bool // other returns another figure, or NaN
}

// goal is one that looks at its own figure only.
func goal(name, says string, met func(v float64) bool) Goal {
	return Goal{name, says, func(v float64, _ func(string) float64) bool { return met(v) }}
}

// Is is the goal of a figure that must have one value.
func Is(name string, want float64) Goal {
	return goal(name, decimal(want), func(v float64) bool { return v == want })
}

// IsTrue is the goal of what must be so.
func IsTrue(name string) Goal { return goal(name, "true", func(v float64) bool { return v == 1 }) }

// AtLeast is the goal of a figure that may not be less.
func AtLeast(name string, least float64) Goal {
	return goal(name, "at least "+decimal(least), func(v float64) bool { return v >= least })
}

// AtMost is the goal of a figure that may reach its limit.
func AtMost(name string, most float64) Goal {
	return goal(name, "at most "+decimal(most), func(v float64) bool { return v <= most })
}

// Under is the goal of a figure that may not reach its limit.
func Under(name string, limit float64) Goal {
	return goal(name, "under "+decimal(limit), func(v float64) bool { return v < limit })
}

// AllOf is the goal of a figure that must be what another one is.
func AllOf(name, of string) Goal {
	return Goal{name, "all of them", func(v float64, other func(string) float64) bool { return v == other(of) }}
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
