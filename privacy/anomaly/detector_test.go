package anomaly

import (
	"fmt"
	"testing"
	"time"
)

var start = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func TestEachSignalAlertsOnce(t *testing.T) {
	for _, c := range []struct {
		signal Signal
		event  func(d *Detector, i int, at time.Time) []Alert
	}{
		{Foreign, func(d *Detector, _ int, at time.Time) []Alert { return d.Refused(Foreign, "key_x", "a", at) }},
		{Logins, func(d *Detector, _ int, at time.Time) []Alert { return d.Refused(Logins, "", "", at) }},
		{Spending, func(d *Detector, _ int, at time.Time) []Alert { return d.Charged("key_x", "a", at, 1, "SELECT 1") }},
		{Repeats, func(d *Detector, i int, at time.Time) []Alert {
			return d.Charged("key_x", "a", at, 0, fmt.Sprintf("SELECT COUNT(*) FROM v WHERE x = %d", i))
		}},
		{Filters, func(d *Detector, i int, at time.Time) []Alert {
			return d.Charged("key_x", "a", at, 0, fmt.Sprintf("SELECT SUM(c%d) FROM v WHERE x = %d", i, i)) // each of another form
		}},
	} {
		t.Run(string(c.signal), func(t *testing.T) {
			d := NewDetector()
			seen := func(at time.Time) (n int) {
				for i := range 600 {
					for _, a := range c.event(d, i, at) {
						if a.Signal == c.signal {
							n++
						}
					}
				}
				return n
			}
			for hour, want := range []int{1, 0} { // by then it is usual
				if n := seen(start.Add(time.Duration(hour) * time.Hour)); n != want {
					t.Errorf("hour %d: %d alerts", hour, n)
				}
			}
		})
	}
}

func TestWhatIsUsualForOneIsNotForAnother(t *testing.T) {
	d := NewDetector()
	hour := func(h int, principal string, n int) (alerts int) {
		for range n {
			alerts += len(d.Refused(Foreign, principal, "", start.Add(time.Duration(h)*time.Hour)))
		}
		return alerts
	}
	for h := range 100 {
		if n := hour(h, "key_busy", 40) + hour(h, "key_quiet", 1); n != 0 && h > 0 {
			t.Fatalf("hour %d: %d alerts", h, n)
		}
	}
	if n := hour(100, "key_busy", 40); n != 0 {
		t.Error("the busy one alerts")
	}
	if n := hour(100, "key_quiet", 40); n != 1 {
		t.Error("the quiet one does not alert")
	}
}

func TestMemoryHasAnEnd(t *testing.T) {
	d := NewDetector()
	for i := range maxSeries + 100 {
		d.Refused(Foreign, fmt.Sprintf("key_%d", i), "", start.Add(time.Duration(i)*time.Second))
	}
	for i := range 3 * maxQuestions {
		d.Charged("key_x", "", start, 0, fmt.Sprintf("SELECT %d FROM v WHERE x = %d", i, i))
	}
	if len(d.series) > maxSeries || len(d.asked["key_x"].questions) > maxQuestions || len(d.asked["key_x"].filters) > maxQuestions {
		t.Errorf("%d counts, %d questions", len(d.series), len(d.asked["key_x"].questions))
	}
	d.Charged("key_y", "", start.Add(2*time.Hour), 0, "SELECT 1")
	if len(d.asked) != 1 {
		t.Error("what was asked hours ago is still held")
	}
}

func TestSilenceIsPartOfTheBaseline(t *testing.T) {
	d := NewDetector()
	for range 5 {
		d.Refused(Foreign, "key_x", "", start)
	}
	d.Refused(Foreign, "key_x", "", start.Add(100*time.Hour))
	if b := d.series[key{"key_x", Foreign}].base; b.hours != 100 || b.mean > 0.5 {
		t.Errorf("%+v", b)
	}
	d.Refused(Foreign, "key_x", "", start.Add((101+memory)*time.Hour))
	if b := d.series[key{"key_x", Foreign}].base; b.hours != 0 {
		t.Errorf("after weeks of silence: %+v", b)
	}
}
