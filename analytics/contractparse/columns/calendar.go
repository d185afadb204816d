package columns

import (
	"time"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/document"
	"github.com/noised/noised/analytics/plan"
)

// calendar reads {from:, to:, every: day|week|month}: from, and every day,
// week or month after it, up to and including to. The values are what the
// column itself has, so a month's domain starts on the day that rows carry,
// usually the first.
func (r *Reader) calendar(o document.Object, t plan.Type) ([]plan.Value, bool) {
	if t.Kind != plan.KindDate && t.Kind != plan.KindTimestamp {
		r.Problem(o.Line, o.Field, "from, to and every are for dates and timestamps, not for a %s", t)
		return nil, false
	}
	from, okFrom := r.Day(o, "from", t)
	to, okTo := r.Day(o, "to", t)
	every, okEvery := o.Text("every")
	if okEvery && !contract.IsStep(every) {
		r.Problem(o.LineOf("every"), o.Path("every"), "must be day, week or month, not %q", document.Shorten(every))
		return nil, false
	}
	if !okFrom || !okTo || !okEvery {
		return nil, false
	}
	if from.After(to) {
		r.Problem(o.LineOf("from"), o.Path("from"), "must not be after to")
		return nil, false
	}
	if every == contract.EveryMonth && from.Day() > 28 {
		r.Problem(o.LineOf("from"), o.Path("from"), "with every: month it must be one of the first 28 days, which every month has")
		return nil, false
	}
	var values []plan.Value
	for at, i := from, 1; !at.After(to); i++ {
		if !r.take(1, o.Line, o.Field) {
			return nil, false
		}
		values = append(values, timeValue(t, at))
		switch every {
		case contract.EveryDay:
			at = from.AddDate(0, 0, i)
		case contract.EveryWeek:
			at = from.AddDate(0, 0, 7*i)
		default:
			at = from.AddDate(0, i, 0)
		}
	}
	return values, true
}

// Day reads a required day, or moment, of an object.
func (r *Reader) Day(o document.Object, name string, t plan.Type) (time.Time, bool) {
	n, ok := o.Need(name)
	if !ok {
		return time.Time{}, false
	}
	return r.time(n, o.Path(name), t)
}

// moment reads a date or a timestamp.
func (r *Reader) moment(n *document.Node, field string, t plan.Type) (plan.Value, bool) {
	at, ok := r.time(n, field, t)
	if !ok {
		return plan.Value{}, false
	}
	return timeValue(t, at), true
}

// time reads 2024-01-31 for dates; for timestamps also a time of day with up
// to six decimals, always UTC.
func (r *Reader) time(n *document.Node, field string, t plan.Type) (time.Time, bool) {
	layouts, example := []string{time.DateOnly}, "2024-01-31"
	if t.Kind == plan.KindTimestamp {
		layouts = append(layouts, time.DateTime, "2006-01-02T15:04:05", "2006-01-02T15:04:05Z")
		example = "2024-01-31 12:00:00"
	}
	if n.Kind == document.Scalar {
		for _, layout := range layouts {
			at, err := time.Parse(layout, n.Text)
			if err == nil && at.Year() >= 1 && at.Nanosecond()%1000 == 0 {
				return at, true
			}
		}
	}
	r.Problem(n.Line, field, "must be a %s such as %s", t, example)
	return time.Time{}, false
}

func timeValue(t plan.Type, at time.Time) plan.Value {
	if t.Kind == plan.KindDate {
		return plan.IntValue(t, at.Unix()/86400) // exact: midnight UTC
	}
	return plan.IntValue(t, at.UnixMicro())
}
