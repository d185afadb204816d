// Package tally counts the values that units keep, group by group: the different
// ones, or rows by the leaf of a tree. It knows nothing of units; package bounding
// decides what each of them may add.
package tally

import (
	"math"

	"github.com/noised/noised/privacy"
)

// absent is no hash of a value: bounding.Absent.
const absent = math.MinInt64

// Tally is what the kept values of all units are counted in.
type Tally interface {
	// Grow makes room for groups that were learned.
	Grow(groups int)
	// Add counts rows with a value in a group.
	Add(group int32, value, rows int64)
	// Each calls f for all that was added to a group, perhaps in other portions.
	Each(group int, f func(value, rows int64))
	// Draws returns the integers of the given groups, in that order.
	Draws(order []int) []privacy.Int128
}
