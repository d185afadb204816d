package e2e

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/noised/noised/api/wire"
)

// seen is an answer that a client received.
type seen struct {
	release string
	epsilon float64
	body    []byte
}

// crash is the state of a test that kills its server again and again.
type crash struct {
	*site
	mu      sync.Mutex
	next    int
	broken  []wire.QueryRequest // questions whose connection broke off
	answers []seen
	keyed   bool // every question has an Idempotency-Key
	checked int  // answers that were found again after a restart
}

// crashFlags make a charge that lost its server free for others soon, and let
// the test look as fast as it can.
var crashFlags = []string{"--query-timeout", "2s", "--request-rate", "1e6"}

// TestKilledAtRandomMoments kills the server again and again while clients ask, and
// restarts it on the same directory. After every restart: what was spent never
// went down, and whatever a client has seen is there, byte for byte, with a
// charge. In the end the questions that broke off are asked again, by the same
// Idempotency-Key where they had one; then no charge is pending, none is there
// twice, and what was spent is the sum of the charges.
func TestKilledAtRandomMoments(t *testing.T) { killAtRandom(t, times(30, 500)) }

// killAtRandom kills and restarts a server lives times, and on a machine that is too
// slow for that to come under load, more often. It returns the number of answers that
// clients saw.
func killAtRandom(t *testing.T, lives int) int {
	t.Helper()
	c := &crash{site: newSite(t, crashFlags...)}
	c.budget(generous)
	spent := c.spent()
	var slowest, total time.Duration
	life := 0
	for ; life < lives || len(c.answers) < lives || len(c.broken) < lives/4; life++ {
		c.live(time.Duration(rand.Int64N(int64(300 * time.Millisecond))))
		c.start(crashFlags...)
		total, slowest = total+c.Took, max(slowest, c.Took)
		now := c.spent()
		for account, before := range spent {
			if now[account] < before {
				t.Fatalf("life %d: %s had spent %d units before the crash and %d after it", life, account, before, now[account])
			}
		}
		spent = now
		c.findAnswers()
	}
	t.Logf("%d answers before %d crashes, %d questions broke off; start-up took %s on average, %s at most",
		len(c.answers), life, len(c.broken), (total / time.Duration(life)).Round(time.Millisecond), slowest.Round(time.Millisecond))
	c.askBrokenAgain()
	c.checkCharges()
	return len(c.answers)
}

// live has four clients ask distinct questions until the server is killed under
// them.
func (c *crash) live(length time.Duration) {
	c.t.Helper()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				q := c.question()
				if got, ok := c.attempt(q); ok {
					c.mu.Lock()
					c.answers = append(c.answers, got)
					c.mu.Unlock()
					continue
				}
				c.mu.Lock()
				c.broken = append(c.broken, q)
				c.mu.Unlock()
				return
			}
		})
	}
	timer := time.NewTimer(length)
	<-timer.C
	check(c.t, c.Kill())
	close(stop)
	wg.Wait()
}

// question returns one that was not asked before.
func (c *crash) question() wire.QueryRequest {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next++
	return wire.QueryRequest{
		SQL:     "SELECT tenant, COUNT(*) AS n FROM insteval GROUP BY tenant",
		Epsilon: ptr(0.5 + 1e-9*float64(c.next)), Intervals: ptr(true),
	}
}

// attempt asks once. Every other question has an Idempotency-Key, its ε; all of them
// where the test says so.
func (c *crash) attempt(q wire.QueryRequest) (seen, bool) {
	c.t.Helper()
	r := c.query(q)
	key := strconv.FormatFloat(*q.Epsilon, 'g', -1, 64)
	if c.keyed || key[len(key)-1]%2 == 0 {
		r.header = map[string]string{wire.HeaderIdempotencyKey: key}
	}
	a, err := try(c.t, c.Server, r)
	if err != nil || a.status == http.StatusServiceUnavailable {
		return seen{}, false
	}
	if a.status != http.StatusOK {
		c.t.Errorf("ε = %s: %d %s\n%s", key, a.status, a.body, c.Log())
		return seen{}, false
	}
	return seen{a.header.Get(wire.HeaderRelease), *q.Epsilon, a.body}, true
}

// findAnswers reads every answer of the last life again and finds its charge.
func (c *crash) findAnswers() {
	c.t.Helper()
	fresh := c.answers[c.checked:]
	if len(fresh) == 0 {
		return
	}
	tenant := c.Tenants[c.checked%len(c.Tenants)]
	page, err := c.api(c.Budget[tenant]).Charges(c.t.Context(), tenant, "", 500)
	check(c.t, err)
	charges := byRelease(page.Items)
	for _, a := range fresh {
		c.find(a, charges)
	}
	c.checked = len(c.answers)
}

func (c *crash) find(a seen, charges map[string]wire.Charge) {
	c.t.Helper()
	again := c.call(request{key: c.Analyst, method: http.MethodGet, path: "/v1/releases/" + a.release + "?intervals=true"})
	if again.status != http.StatusOK || !bytes.Equal(again.body, a.body) {
		c.t.Errorf("%s is lost or not as it was: %d, %d bytes instead of %d", a.release, again.status, len(again.body), len(a.body))
	}
	charge, ok := charges[a.release]
	if !ok || charge.State != wire.ChargeStateReleased || charge.Epsilon != a.epsilon {
		c.t.Errorf("%s at ε = %g was answered, and its charge is %+v", a.release, a.epsilon, charge)
	}
}

// askBrokenAgain asks every question that broke off until it is answered, or one is
// refused.
func (c *crash) askBrokenAgain() {
	c.t.Helper()
	parallel(c.t, 4, len(c.broken), func(i int) {
		got := eventually(c.t, func() (seen, bool) {
			a, ok := c.attempt(c.broken[i])
			return a, ok || c.t.Failed()
		})
		c.mu.Lock()
		defer c.mu.Unlock()
		c.answers = append(c.answers, got)
	})
}

func (c *crash) checkCharges() {
	c.t.Helper()
	spent := c.spent()
	for _, tenant := range c.Tenants {
		total, at := int64(0), map[float64]bool{}
		for _, charge := range c.allCharges(tenant) {
			total += units(charge.Rho)
			if charge.State != wire.ChargeStateReleased || at[charge.Epsilon] {
				c.t.Errorf("%s: the charge of ε = %g is %s, and was there before: %t", tenant, charge.Epsilon, charge.State, at[charge.Epsilon])
			}
			at[charge.Epsilon] = true
		}
		if total != spent[tenant] || total != spent["the dataset"] || len(at) != len(c.answers) {
			c.t.Errorf("%s spent %d units (the dataset %d) by %d charges of %d units, for %d answers",
				tenant, spent[tenant], spent["the dataset"], len(at), total, len(c.answers))
		}
	}
	releases := slices.Collect(func(yield func(string) bool) {
		for _, a := range c.answers {
			if !yield(a.release) {
				return
			}
		}
	})
	slices.Sort(releases)
	if n := len(slices.Compact(releases)); n != len(c.answers) {
		c.t.Errorf("%d answers have %d releases", len(c.answers), n)
	}
	charges := byRelease(c.allCharges(c.Tenants[0]))
	for _, a := range c.answers {
		c.find(a, charges)
	}
}
