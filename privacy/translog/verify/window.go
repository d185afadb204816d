package verify

import (
	"math"
	"time"

	"github.com/noised/noised/privacy"
)

// windowStart returns the microsecond at which the window that holds one began,
// in UTC; weeks begin on Monday.
func windowStart(w privacy.Window, micros int64) int64 {
	t := time.UnixMicro(micros).UTC()
	midnight := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	switch w {
	case privacy.WindowDay:
		return midnight.UnixMicro()
	case privacy.WindowWeek:
		return midnight.AddDate(0, 0, -int(t.Weekday()+6)%7).UnixMicro()
	case privacy.WindowMonth:
		return midnight.AddDate(0, 0, 1-t.Day()).UnixMicro()
	default: // none: one window that never began
		return math.MinInt64
	}
}
