//go:build audit

package e2e

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/mechanism"
)

// lawSamples is enough to tell a scale that is off by 0.5 %: the deviation of
// the estimated scale is 0.07 % of it for a Gaussian and 0.1 % for Laplace.
const lawSamples = 1_000_000

// TestAuditDistributions draws from the mechanisms and compares the noise with
// the law that the ledger charges for, by its scale and by its shape.
func TestAuditDistributions(t *testing.T) {
	for name, c := range map[string]struct {
		s   mechanism.Sensitivity
		mu2 float64
		cdf func(x, scale float64) float64
	}{
		"gaussian": {mechanism.Sensitivity{L0: 16, L1: 16, L2: 4, LInf: 1}, 0.01, func(x, s float64) float64 { return math.Erfc(-x/s/math.Sqrt2) / 2 }},
		"laplace": {mechanism.Sensitivity{L0: 1, L1: 40, L2: 40, LInf: 40}, 20, func(x, s float64) float64 {
			if x < 0 {
				return math.Exp(x/s) / 2
			}
			return 1 - math.Exp(-x/s)/2
		}},
	} {
		t.Run(name, func(t *testing.T) {
			spec, err := mechanism.Calibrate(c.s, c.mu2)
			check(t, err)
			if string(spec.Kind) != name {
				t.Fatalf("%s was calibrated", spec.Kind)
			}
			scale := chargedScale(spec, c.s)
			draws := noiseOf(t, spec, lawSamples)
			chi, cells := fit(draws, func(x float64) float64 { return c.cdf(x, scale) })
			limit := chiSquareLimit(cells - 1)
			if chi > limit {
				t.Errorf("χ² is %.1f with %d cells, beyond %.1f", chi, cells, limit)
			}
			z := scaleError(draws, scale, name)
			if math.Abs(z) > scaleLimit {
				t.Errorf("the noise is %.1f deviations too wide", z)
			}
			verdict(t, "distribution-"+name, lawSamples, scaleLimit, math.Abs(z))
			if name == "gaussian" {
				t.Run("power", func(t *testing.T) {
					off := math.Abs(scaleError(draws, scale*1.005, name))
					if off <= scaleLimit {
						t.Errorf("a scale off by 0.5 %% passes with %.1f deviations", off)
					}
					verdict(t, "distribution-power", lawSamples, "above "+figure(scaleLimit), off)
				})
			}
		})
	}
}

// scaleLimit is exceeded with probability 1e-6, to both sides.
const scaleLimit = 4.9

// scaleError returns by how many of its own deviations the mean square of n
// draws exceeds the law's, rounding's twelfth included. The square of a
// normal variable has the variance 2σ⁴, that of a Laplace one 20b⁴.
func scaleError(draws []int64, scale float64, kind string) float64 {
	square := 0.0
	for _, d := range draws {
		square += float64(d) * float64(d) / float64(len(draws))
	}
	mean, deviation := scale*scale, math.Sqrt(2)*scale*scale
	if kind == "laplace" {
		mean, deviation = 2*scale*scale, math.Sqrt(20)*scale*scale
	}
	return (square - mean - 1.0/12) / deviation * math.Sqrt(float64(len(draws)))
}

// chargedScale is the scale that the price stands for: L2/μ, or L1/ε.
func chargedScale(spec mechanism.Spec, s mechanism.Sensitivity) float64 {
	mu2, _ := spec.Cost.Real()
	if spec.Kind == mechanism.Laplace {
		return s.L1 / privacy.LaplaceEpsilon(math.Sqrt(mu2))
	}
	return s.L2 / math.Sqrt(mu2)
}

func noiseOf(t *testing.T, spec mechanism.Spec, n int) []int64 {
	t.Helper()
	out := make([]int64, n)
	for i := range out {
		v, err := spec.Noise(privacy.Int128{})
		check(t, err)
		out[i] = v
	}
	return out
}

// fit returns χ² of draws of round(Y) against the law of Y, over the whole
// numbers that are expected at least 50 times, with the rest in two tails.
func fit(draws []int64, cdf func(float64) float64) (chi float64, cells int) {
	counts := map[int64]float64{}
	for _, d := range draws {
		counts[d]++
	}
	n := float64(len(draws))
	expected := func(v int64) float64 { return n * (cdf(float64(v)+0.5) - cdf(float64(v)-0.5)) }
	lo, hi := int64(0), int64(0)
	for expected(lo-1) >= 50 {
		lo--
	}
	for expected(hi+1) >= 50 {
		hi++
	}
	below, above := n*cdf(float64(lo)-0.5), n*(1-cdf(float64(hi)+0.5))
	var seenBelow, seenAbove float64
	for v, c := range counts {
		switch {
		case v < lo:
			seenBelow += c
		case v > hi:
			seenAbove += c
		}
	}
	add := func(seen, want float64) {
		if want > 0 {
			chi += (seen - want) * (seen - want) / want
			cells++
		}
	}
	for v := lo; v <= hi; v++ {
		add(counts[v], expected(v))
	}
	add(seenBelow, below)
	add(seenAbove, above)
	return chi, cells
}

// chiSquareLimit is exceeded with probability 5e-7 or less (Wilson and Hilferty,
// at 4.9 deviations).
func chiSquareLimit(df int) float64 {
	k := float64(df)
	z := 1 - 2/(9*k) + 4.9*math.Sqrt(2/(9*k))
	return k * z * z * z
}

// peopleContract bounds a person jointly over tenants.
func peopleContract(scope string) string {
	return fmt.Sprintf(`
dataset: people
version: 1
privacy_unit: {column: person, scope: %s}
tenant_dimension: public
contribution: {max_partitions: 3, max_rows_per_partition: 4}
columns:
  person: {type: bigint, role: unit}
  g:      {type: integer, role: dimension, domain: {range: [0, 29]}}
  x:      {type: bigint, role: measure, bounds: [-1000000, 1000000]}
`, scope)
}

// shiftBetween returns the difference of the mean answers of two data sets, and
// its standard deviation, for one column summed over all groups.
func shiftBetween(t *testing.T, contract string, files [2]map[string]string, q wire.QueryRequest, name string, answers int) (shift, deviation float64, groups int) {
	t.Helper()
	var sums [2]float64
	for side, f := range files {
		s := build(t, contract, f)
		values := s.column(q, name, answers)
		groups = len(values) / answers
		for _, v := range values {
			sums[side] += v / float64(answers)
		}
		for _, c := range s.explain(q).Columns {
			if c.Name == name {
				deviation = *c.Stddev
			}
		}
	}
	return sums[1] - sums[0], deviation * math.Sqrt(2*float64(groups)/float64(answers)), groups
}

func crowd(rows int) string {
	var b strings.Builder
	b.WriteString("person,g,x\n")
	for i := range rows {
		fmt.Fprintf(&b, "%d,%d,%d\n", i, i%30, i%100)
	}
	return b.String()
}

func busy(person, rows int, x int64) string {
	var b strings.Builder
	for i := range rows {
		fmt.Fprintf(&b, "%d,%d,%d\n", person, i%30, x)
	}
	return b.String()
}

// TestAuditNeighbours holds named neighbours against the sensitivity that they
// are easily given too much of. Each may fail by chance with probability 1e-9
// (six deviations).
func TestAuditNeighbours(t *testing.T) {
	count := wire.QueryRequest{SQL: "SELECT g, COUNT(*) AS v FROM people GROUP BY g", Epsilon: ptr(100.0), Delta: ptr(1e-2)}
	one := func(file string) map[string]string { return map[string]string{"t": file} }
	three := func(file string) map[string]string {
		return map[string]string{"t": file, "u": file, "w": file}
	}
	for _, c := range []struct {
		name, contract string
		files          [2]map[string]string
		q              wire.QueryRequest
		bound          float64
	}{
		{"one-person-load", peopleContract("person"), [2]map[string]string{one("person,g,x\n"), one("person,g,x\n" + busy(7, 300, 1))}, count, 12},
		{"coarse-group", peopleContract("person"), [2]map[string]string{one(crowd(300)), one(crowd(300) + busy(999, 3000, 1))},
			wire.QueryRequest{SQL: "SELECT CASE WHEN g < 15 THEN 0 ELSE 1 END AS k, COUNT(*) AS v FROM people GROUP BY 1", Epsilon: ptr(100.0), Delta: ptr(1e-2)}, 8},
		{"person-in-tenants", peopleContract("person"), [2]map[string]string{three(crowd(300)), three(crowd(300) + busy(999, 3000, 1))}, count, 12},
		{"merged-sum", peopleContract("tenant"), [2]map[string]string{one(crowd(300)), one(crowd(300) + busy(999, 3000, math.MaxInt64))},
			wire.QueryRequest{SQL: "SELECT g, SUM(x) AS v FROM people GROUP BY g", Epsilon: ptr(100.0), Delta: ptr(1e-2)}, 12e6},
	} {
		t.Run(c.name, func(t *testing.T) {
			const answers = 200
			shift, deviation, groups := shiftBetween(t, c.contract, c.files, c.q, "v", answers)
			if math.Abs(shift) > c.bound+6*deviation {
				t.Errorf("a shift of %.1f ± %.1f, more than %g", shift, deviation, c.bound)
			}
			verdict(t, "neighbour-"+c.name, answers*groups, c.bound, fmt.Sprintf("%.1f ± %.1f", shift, deviation))
		})
	}
}
