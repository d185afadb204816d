package filter

import (
	"math"
	"testing"
	"time"

	"github.com/noised/noised/privacy"
)

func instant(s string) int64 {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return t.UnixMicro()
}

func TestWindowsBeginAtMidnightUTC(t *testing.T) {
	tests := []struct{ window, at, start, end string }{
		{"day", "2026-03-01T00:00:00Z", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"},
		{"day", "2026-03-01T23:59:59.999999Z", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"},
		{"day", "2026-03-29T03:30:00+02:00", "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z"}, // summer time begins in Berlin
		{"day", "2026-03-02T00:30:00+01:00", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"},
		{"week", "2026-03-02T00:00:00Z", "2026-03-02T00:00:00Z", "2026-03-09T00:00:00Z"}, // a Monday
		{"week", "2026-03-08T23:59:59.999999Z", "2026-03-02T00:00:00Z", "2026-03-09T00:00:00Z"},
		{"week", "2026-01-01T12:00:00Z", "2025-12-29T00:00:00Z", "2026-01-05T00:00:00Z"},
		{"month", "2026-02-28T23:59:59Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"},
		{"month", "2028-02-29T12:00:00Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"},
		{"month", "2026-12-31T23:59:59Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"},
		{"day", "1969-12-31T23:00:00Z", "1969-12-31T00:00:00Z", "1970-01-01T00:00:00Z"},
		{"week", "1969-12-31T23:00:00Z", "1969-12-29T00:00:00Z", "1970-01-05T00:00:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.window+" "+tt.at, func(t *testing.T) {
			w, at := privacy.Window(tt.window), instant(tt.at)
			if got := WindowStart(w, at); got != instant(tt.start) {
				t.Errorf("starts %s, want %s", time.UnixMicro(got).UTC(), tt.start)
			}
			if got := windowEnd(w, at); got != instant(tt.end) {
				t.Errorf("ends %s, want %s", time.UnixMicro(got).UTC(), tt.end)
			}
		})
	}
	if WindowStart(privacy.WindowNone, 0) != math.MinInt64 || windowEnd(privacy.WindowNone, 0) != math.MaxInt64 {
		t.Error("no window must have neither a start nor an end")
	}
}
