package anomaly

import (
	"math"
	"math/rand/v2"
	"testing"
)

// poisson draws a count by the gaps between events.
func poisson(r *rand.Rand, mean float64) float64 {
	if mean > 500 { // in parts, of which the sum is Poisson too
		return poisson(r, mean/2) + poisson(r, mean/2)
	}
	n, left := -1.0, mean
	for left > 0 {
		left -= r.ExpFloat64()
		n++
	}
	return n
}

// alarms counts the hours that alert, on counts of a given distribution, from the
// second hour on.
func alarms(hours int, s Signal, draw func() float64) (n int) {
	b := baseline{}.after(draw(), s)
	for range hours {
		c := draw()
		if c > b.limit(s) {
			n++
		}
		b = b.after(c, s)
	}
	return n
}

// TestSteadyTrafficDoesNotAlert measures how often it does. Were it once in a
// million hours, the test would fail with a probability below 1e-6 (15 alarms
// where at most 1.2 are expected).
func TestSteadyTrafficDoesNotAlert(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const hours = 200_000
	total := 0
	for _, mean := range []float64{0.1, 1, 10, 30, 100, 1000} {
		n := alarms(hours, Repeats, func() float64 { return poisson(r, mean) })
		t.Logf("mean %g: %d alarms in %d hours", mean, n, hours)
		total += n
	}
	if total >= 15 {
		t.Errorf("%d alarms in %d hours", total, 6*hours)
	}
}

// TestTheBurstOfAThiefAlerts: ten times the usual, whatever is usual.
func TestTheBurstOfAThiefAlerts(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, mean := range []float64{0, 1, 10, 100, 1000} {
		var b baseline
		for range 200 {
			b = b.after(poisson(r, mean), Repeats)
		}
		if burst := max(10*mean, 40); burst <= b.limit(Repeats) {
			t.Errorf("mean %g: %g is within the limit %g", mean, burst, b.limit(Repeats))
		}
	}
}

func TestABurstDoesNotBecomeUsual(t *testing.T) {
	var b baseline
	for range 200 {
		b = b.after(10, Foreign)
	}
	before := b.limit(Foreign)
	b = b.after(1e9, Foreign)
	if after := b.limit(Foreign); after > 2*before {
		t.Errorf("one burst takes the limit from %g to %g", before, after)
	}
}

func TestTheMeanIsTheMean(t *testing.T) {
	var b baseline
	for i := range 40 {
		b = b.after(float64(i%2), Logins)
	}
	if math.Abs(b.mean-0.5) > 0.02 || math.Abs(b.variance-0.25) > 0.02 {
		t.Errorf("mean %g, variance %g", b.mean, b.variance)
	}
}
