package filter

import (
	"math"
	"time"

	"github.com/noised/noised/privacy"
)

// Instants are microseconds since 1970 in UTC, as they are stored.

// WindowStart returns the instant at which the window that holds t began.
// Without a window everything happens in one that never began.
func WindowStart(w privacy.Window, t int64) int64 {
	if w == privacy.WindowNone {
		return math.MinInt64
	}
	return startOf(w, t).UnixMicro()
}

// windowEnd returns the instant at which the next window begins.
func windowEnd(w privacy.Window, t int64) int64 {
	switch w {
	case privacy.WindowDay:
		return startOf(w, t).AddDate(0, 0, 1).UnixMicro()
	case privacy.WindowWeek:
		return startOf(w, t).AddDate(0, 0, 7).UnixMicro()
	case privacy.WindowMonth:
		return startOf(w, t).AddDate(0, 1, 0).UnixMicro()
	default:
		return math.MaxInt64
	}
}

func startOf(w privacy.Window, t int64) time.Time {
	year, month, day := time.UnixMicro(t).UTC().Date()
	switch w {
	case privacy.WindowMonth:
		day = 1
	case privacy.WindowWeek:
		// Weeks begin on Monday; time.Sunday is 0.
		weekday := time.UnixMicro(t).UTC().Weekday()
		day -= (int(weekday) + 6) % 7
	default: // the day itself
	}
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}
