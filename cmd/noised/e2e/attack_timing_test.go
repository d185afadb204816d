//go:build audit

package e2e

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/noised/noised/api/wire"
)

// TestAuditAttack16Timing times answers on slots with and without a whale,
// interleaved. An observer who guesses by time does no better than chance, even
// from the mean of many runs.
func TestAuditAttack16Timing(t *testing.T) {
	contract := sea(100)
	var small, whale strings.Builder
	small.WriteString("person,g\n")
	for i := range 20_000 {
		fmt.Fprintf(&small, "%d,%d\n", i/4, i%100+1)
	}
	whale.WriteString(small.String())
	for i := range 100_000 {
		fmt.Fprintf(&whale, "999999,%d\n", i%100+1)
	}
	sites := []*site{build(t, contract, map[string]string{"t": small.String()}), build(t, contract, map[string]string{"t": whale.String()})}
	slot := slotFor(sites)
	for _, s := range sites {
		check(t, s.Stop())
		s.start("--request-rate", "1000000", "--request-burst", "1000000", "--response-slot", slot.String())
	}
	runs := times(1400, 4000)
	var took [2][]float64
	for i := range runs {
		var wg sync.WaitGroup
		for _, side := range rand.Perm(2) { // at once, so that whatever else the machine does meets both
			wg.Go(func() {
				s := sites[side]
				took[side] = append(took[side], s.timed(i).Seconds())
			})
		}
		wg.Wait()
	}
	for side := range took {
		took[side] = took[side][10:] // the first runs open files
	}
	// An AUC of n against n without a difference has a deviation of √(1/6n),
	// 0.011 here: it is outside by chance with probability 6e-6.
	auc := areaUnderCurve(took[0], took[1])
	if auc < 0.45 || auc > 0.55 {
		t.Errorf("by time the whale is told with an AUC of %.3f", auc)
	}
	t.Logf("slots of %s", slot)
	combined := combinedAUC(took[0], took[1], 10*slot.Seconds(), 1000)
	if combined > 0.6 {
		t.Errorf("by 1,000 times together the whale is told with an AUC of at least %.3f", combined)
	}
	verdict(t, "attack-16", 2*runs, "0.45 to 0.55", auc)
}

// timed asks a question over the sea that was not asked before, and says how long the
// answer took.
func (s *site) timed(i int) time.Duration {
	s.t.Helper()
	r := s.query(wire.QueryRequest{SQL: "SELECT g, COUNT(*) AS n FROM sea GROUP BY g", Epsilon: ptr(1 - 1e-9*float64(i))})
	began := time.Now()
	a, err := try(s.t, s.Server, r)
	took := time.Since(began)
	if err != nil || a.status != http.StatusOK {
		s.t.Errorf("%v %d %s", err, a.status, a.body)
	}
	return took
}

// slotFor returns slots that hide runs of these sites on this machine: of 50 ms, or of
// three times what runs take at the median, side by side and without being held back,
// where that is more. Slots that are shorter than runs hide little, as is said of them.
func slotFor(sites []*site) time.Duration {
	longest := time.Duration(0)
	for _, s := range sites {
		check(s.t, s.Stop())
		s.start("--request-rate", "1000000", "--request-burst", "1000000", "--response-slot", "0")
	}
	took := make([][]time.Duration, len(sites))
	for i := range 30 {
		var wg sync.WaitGroup
		for side, s := range sites {
			wg.Go(func() { took[side] = append(took[side], s.timed(1_000_000+i)) })
		}
		wg.Wait()
	}
	for _, times := range took {
		slices.Sort(times)
		longest = max(longest, times[len(times)/2])
	}
	return max(50*time.Millisecond, (3 * longest).Round(10*time.Millisecond))
}

// combinedAUC returns a lower bound, at 1e-6, of the AUC with which the mean of
// n times tells the two apart: means are normal, so that it is Φ(d·√(n/2)) for a
// difference of d deviations. Times beyond most, ten slots, are cut off, as an observer
// would.
func combinedAUC(a, b []float64, most float64, n int) float64 {
	moments := func(v []float64) (mean, variance float64) {
		for _, x := range v {
			mean += min(x, most) / float64(len(v))
		}
		for _, x := range v {
			variance += (min(x, most) - mean) * (min(x, most) - mean) / float64(len(v)-1)
		}
		return mean, variance
	}
	meanA, varA := moments(a)
	meanB, varB := moments(b)
	spread := math.Sqrt((varA + varB) / 2)
	d := math.Abs(meanA-meanB)/spread - 4.9*math.Sqrt(2/float64(len(a)))
	return math.Erfc(-max(0, d)*math.Sqrt(float64(n)/2)/math.Sqrt2) / 2
}

// areaUnderCurve returns the probability that a value of b exceeds one of a,
// ties counting half.
func areaUnderCurve(a, b []float64) float64 {
	wins := 0.0
	for _, x := range a {
		for _, y := range b {
			switch {
			case y > x:
				wins++
			case y == x:
				wins += 0.5
			}
		}
	}
	return wins / float64(len(a)) / float64(len(b))
}
