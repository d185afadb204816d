package anomaly

import "math"

// The arithmetic of baselines.
const (
	weight     = 1.0 / 48 // of one hour, once there are many
	deviations = 5
	warm       = 24      // hours until the floor of what is asked is its own
	cold       = 10      // by what it is higher before
	memory     = 14 * 24 // hours of silence after which a baseline is forgotten
)

// baseline is what is usual for one count. The zero value knows nothing.
type baseline struct {
	hours          int // that it was made of
	mean, variance float64
}

// limit is the highest count of an hour that is no reason for an alert. A mean of few
// hours is less exact, and the deviations are those of an hour from it.
func (b baseline) limit(s Signal) float64 {
	floor := s.floor()
	if b.hours < warm && s.asking() {
		floor *= cold
	}
	of := 1 + 1/float64(max(b.hours, 1))
	return floor + b.mean + deviations*math.Sqrt(max(b.variance, b.mean)*of)
}

// after returns the baseline after one more hour. A count beyond the limit counts
// as the limit; the first is all that is known.
func (b baseline) after(count float64, s Signal) baseline {
	if b.hours > 0 {
		count = min(count, b.limit(s))
	}
	w := max(weight, 1/float64(b.hours+1))
	d := count - b.mean
	return baseline{hours: b.hours + 1, mean: b.mean + w*d, variance: (1 - w) * (b.variance + w*d*d)}
}
