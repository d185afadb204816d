package main

import (
	"context"
	"runtime/pprof"
	"slices"
	"time"
)

// timings are durations in milliseconds.
type timings []float64

func (t timings) quantile(q float64) float64 {
	sorted := slices.Sorted(slices.Values(t))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// measure calls work n times after some that do not count, and times each.
func measure(n int, work func(i int) error) (timings, error) {
	const warm = 20
	var t timings
	for i := range n + warm {
		began := time.Now()
		if err := work(i); err != nil {
			return nil, err
		}
		if i >= warm {
			t = append(t, milliseconds(time.Since(began)))
		}
	}
	return t, nil
}

// reportTimings reports median and 95th percentile against the baseline's
// median.
func (b *bench) reportTimings(name string, t, baseline timings) {
	b.report(name+"_median", t.quantile(0.5), "ms", baseline.quantile(0.5))
	b.report(name+"_p95", t.quantile(0.95), "ms", baseline.quantile(0.5))
}

// work is one side of a ratio.
type work func(context.Context) error

// enough is how long one ratio is measured, when it has been three times.
const enough = 40 * time.Second

// alternate does each side once so that it is warm, and then times all of them
// in turn, so that whatever else the machine does meets all alike.
func (b *bench) alternate(ctx context.Context, sides ...work) ([]timings, error) {
	for _, side := range sides {
		if err := side(ctx); err != nil {
			return nil, err
		}
	}
	return alternate(ctx, b.runs, sides...)
}

// alternate times sides in turn, as often as wanted, or fewer times when they
// take long. A profile tells the first, "ours", from the others by the label
// "side".
func alternate(ctx context.Context, runs int, sides ...work) ([]timings, error) {
	out := make([]timings, len(sides))
	for i, began := 0, time.Now(); i < runs && (i < 3 || time.Since(began) < enough); i++ {
		for at, side := range sides {
			var err error
			began := time.Now()
			pprof.Do(ctx, pprof.Labels("side", sideName(at)), func(ctx context.Context) { err = side(ctx) })
			if err != nil {
				return nil, err
			}
			out[at] = append(out[at], milliseconds(time.Since(began)))
		}
	}
	return out, nil
}

func sideName(at int) string {
	if at == 0 {
		return "ours"
	}
	return "baseline"
}

func milliseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }
