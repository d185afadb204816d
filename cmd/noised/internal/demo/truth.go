package demo

import (
	"github.com/noised/noised/cmd/noised/internal/sample"
	"github.com/noised/noised/privacy"
)

// The demonstration's sample is public, so that it may show what no server
// shows: how far an answer is from the truth, and how much of that is due to
// bounding rather than to noise.

// figures is what the sample says about one group.
type figures struct{ rows, units, sum float64 }

// tally holds the true and the bounded figures of every group.
type tally struct{ truth, bounded map[string]figures }

// count groups ratings by a key and bounds every student's part in it as the
// server does: at most L0 groups, each equally likely to be among those kept,
// and at most c rows in each, a student with more counting as c rows of their
// mean. Which groups a server keeps depends on a secret salt; bounded holds the
// mean over all salts.
func count(rows sample.Ratings, key func(sample.Rating) string, b privacy.Bounds) tally {
	type part struct{ rows, sum float64 }
	students := map[int64]map[string]part{}
	for _, r := range rows {
		groups := students[r.Student]
		if groups == nil {
			groups = map[string]part{}
			students[r.Student] = groups
		}
		p := groups[key(r)]
		groups[key(r)] = part{p.rows + 1, p.sum + float64(r.Rating)}
	}
	t := tally{truth: map[string]figures{}, bounded: map[string]figures{}}
	for _, groups := range students {
		kept := min(1, float64(b.MaxPartitions)/float64(len(groups)))
		for k, p := range groups {
			g := t.truth[k]
			t.truth[k] = figures{g.rows + p.rows, g.units + 1, g.sum + p.sum}
			share := min(1, float64(b.MaxRowsPerPartition)/p.rows)
			g = t.bounded[k]
			t.bounded[k] = figures{g.rows + kept*share*p.rows, g.units + kept, g.sum + kept*share*p.sum}
		}
	}
	return t
}
