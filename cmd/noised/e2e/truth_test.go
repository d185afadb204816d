package e2e

import (
	"strconv"

	"github.com/noised/noised/cmd/noised/internal/sample"
)

// The exact bounded figures, computed from the sample and the documented rule
// alone: a student with n > c rows in a group counts as c rows of their mean,
// truncated towards zero in whole steps. Bounds on the number of groups are
// chosen here so that they never bind.

type bounds struct{ partitions, rows int64 }

// group is the rows of one group, by student, over all tenants.
type group struct {
	students map[int64][]sample.Rating
	limit    int64 // rows per student
}

func byLecturer(r sample.Rating) string { return strconv.FormatInt(r.Lecturer, 10) }

func boundedTruth(rows sample.Ratings, key func(sample.Rating) string, b bounds) map[string]group {
	groups := map[string]group{}
	for _, r := range rows {
		g, ok := groups[key(r)]
		if !ok {
			g = group{map[int64][]sample.Rating{}, b.rows}
			groups[key(r)] = g
		}
		g.students[r.Student] = append(g.students[r.Student], r)
	}
	return groups
}

// groupsPerStudent counts the groups that each student is in.
func groupsPerStudent(rows sample.Ratings, key func(sample.Rating) string) map[int64]int64 {
	seen := map[int64]map[string]bool{}
	for _, r := range rows {
		if seen[r.Student] == nil {
			seen[r.Student] = map[string]bool{}
		}
		seen[r.Student][key(r)] = true
	}
	out := map[int64]int64{}
	for student, keys := range seen {
		out[student] = int64(len(keys))
	}
	return out
}

func (g group) rows(mask func(sample.Rating) bool) float64 {
	total := int64(0)
	for _, rows := range g.students {
		total += min(count(rows, mask), g.limit)
	}
	return float64(total)
}

func (g group) units(mask func(sample.Rating) bool) float64 {
	total := int64(0)
	for _, rows := range g.students {
		total += min(count(rows, mask), 1)
	}
	return float64(total)
}

func (g group) sum(mask func(sample.Rating) bool, value func(sample.Rating) int64) float64 {
	total := int64(0)
	for _, rows := range g.students {
		n, s := count(rows, mask), int64(0)
		for _, r := range rows {
			if mask(r) {
				s += value(r)
			}
		}
		if n > g.limit {
			s = s * g.limit / n // truncates towards zero, like the rule
		}
		total += s
	}
	return float64(total)
}

func count(rows []sample.Rating, mask func(sample.Rating) bool) int64 {
	n := int64(0)
	for _, r := range rows {
		if mask(r) {
			n++
		}
	}
	return n
}
