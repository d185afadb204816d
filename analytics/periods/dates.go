package periods

import (
	"math"
	"slices"
)

// Days before and after every date and timestamp that an engine holds: dates
// are 32 bits wide.
const (
	minDay = int64(math.MinInt32) * 2
	maxDay = int64(math.MaxInt32) * 2
)

// span is a run of days, to excluded.
type span struct{ from, to int64 }

// dates is a set of rows by the date in their period column: days, in order and
// apart, and rows without a date.
type dates struct {
	days []span
	null bool
}

func everyDate() dates { return dates{days: []span{{minDay, maxDay}}, null: true} }

func (d dates) meets(s span) bool {
	return slices.ContainsFunc(d.days, func(o span) bool { return o.from < s.to && s.from < o.to })
}

// within returns the rows that are in both.
func (d dates) within(e dates) dates {
	out := dates{null: d.null && e.null}
	for _, a := range d.days {
		for _, b := range e.days {
			if s := (span{max(a.from, b.from), min(a.to, b.to)}); s.from < s.to {
				out.days = append(out.days, s)
			}
		}
	}
	return out
}

// with returns the rows that are in one of two.
func (d dates) with(e dates) dates {
	all := slices.Concat(d.days, e.days)
	slices.SortFunc(all, func(a, b span) int { return int(max(-1, min(1, a.from-b.from))) })
	out := dates{null: d.null || e.null}
	for _, s := range all {
		if n := len(out.days); n > 0 && s.from <= out.days[n-1].to {
			out.days[n-1].to = max(out.days[n-1].to, s.to)
			continue
		}
		out.days = append(out.days, s)
	}
	return out
}
