package roweval

import (
	"time"

	"github.com/noised/noised/analytics/plan"
)

// calendar computes functions of dates and timestamps, NULL beyond the years 1
// to 9999.
func calendar(fn string, args []plan.Value) (plan.Value, bool) {
	x := args[len(args)-1]
	t, ok := timeOf(x)
	bigint := plan.Of(plan.KindBigint)
	part := 0
	switch fn {
	case "date_trunc":
		if !ok {
			return plan.Null(x.Type), true
		}
		start, _ := Truncate(args[0].Str, t)
		return inTime(x.Type, start)
	case "year":
		part = t.Year()
	case "quarter":
		part = (int(t.Month()) + 2) / 3
	case "month":
		part = int(t.Month())
	case "day":
		part = t.Day()
	default:
		part = int(t.Weekday())
	}
	if !ok {
		return plan.Null(bigint), true
	}
	return plan.IntValue(bigint, int64(part)), true
}

// timeOf returns the moment of a date or timestamp within the years 1 to 9999.
func timeOf(v plan.Value) (time.Time, bool) {
	t := time.UnixMicro(v.Int).UTC()
	if v.Type.Kind == plan.KindDate {
		if v.Int < -10_000*366 || v.Int > 10_000*366 {
			return t, false
		}
		t = time.Unix(v.Int*86_400, 0).UTC()
	}
	return t, Sane(t)
}

// inTime is a date or timestamp; not certain when t precedes the year 1.
func inTime(t plan.Type, at time.Time) (plan.Value, bool) {
	if t.Kind == plan.KindDate {
		return plan.IntValue(t, FloorDay(at.UnixMicro())), Sane(at)
	}
	return plan.IntValue(t, at.UnixMicro()), Sane(at)
}

// Sane reports whether a moment lies in the years that every engine handles
// alike, 1 to 9999.
func Sane(t time.Time) bool { return t.Year() >= 1 && t.Year() <= 9999 }

// Truncate returns the start of the part of time, out of plan.DateParts, that t
// lies in, and of the next.
func Truncate(part string, t time.Time) (start, next time.Time) {
	y, m, d := t.Date()
	date := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }
	switch part {
	case "year":
		return date(y, 1, 1), date(y+1, 1, 1)
	case "quarter":
		m -= (m - 1) % 3
		return date(y, m, 1), date(y, m+3, 1)
	case "month":
		return date(y, m, 1), date(y, m+1, 1)
	case "week":
		d -= int(t.Weekday()+6) % 7 // from Monday
		return date(y, m, d), date(y, m, d+7)
	case "day":
		return date(y, m, d), date(y, m, d+1)
	case "hour":
		start = date(y, m, d).Add(time.Duration(t.Hour()) * time.Hour)
		return start, start.Add(time.Hour)
	default: // minute
		start = date(y, m, d).Add(time.Duration(t.Hour()*60+t.Minute()) * time.Minute)
		return start, start.Add(time.Minute)
	}
}

// MicrosPerDay is the length of a day, in the unit of timestamps.
const MicrosPerDay = int64(86_400_000_000)

// FloorDay returns the day since 1970 that a timestamp lies in.
func FloorDay(micros int64) int64 {
	d := micros / MicrosPerDay
	if micros%MicrosPerDay < 0 {
		d--
	}
	return d
}
