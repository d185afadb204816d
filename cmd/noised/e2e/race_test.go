package e2e

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/blackbox"
)

// perMu2 is the number of the ledger's units in a μ² of 1; ρ = μ²/2. Reported
// values are exact: they have far fewer than 53 significant bits.
const perMu2 = 1e12

func units(rho float64) int64 { return int64(math.Round(rho * 2 * perMu2)) }

// TestBudgetIsNeverOverspent releases many clients at once against budgets that
// pay for a few of their queries, through two server processes on one data
// directory. In every round the caps rise a little, and one tenant's less than
// the others', so that it is the one that refuses.
//
// After each round, for every account and in the ledger's whole units: what the
// answers cost is what was spent, that is at most the cap as computed here from
// its (ε, δ), and no question that was refused would still have fitted.
func TestBudgetIsNeverOverspent(t *testing.T) { raceForBudget(t, times(4, 50), 64) }

// raceForBudget lets clients race for some rounds. It returns by how many units
// the spending exceeded the cap at most: 0 unless the test failed.
func raceForBudget(t *testing.T, rounds, clients int) (above int64) {
	t.Helper()
	s := newSite(t, "--request-rate", "1000000", "--request-burst", "1000000")
	second := s.another("--request-rate", "1000000", "--request-burst", "1000000")
	lifetime := wire.Loss{Epsilon: 100, Delta: 1e-6}
	paid := map[string]int64{} // by release
	for round := range rounds {
		limit := wire.Loss{Epsilon: 1.5 + 0.4*float64(round), Delta: 1e-6}
		check(t, s.SetBudgets(t.Context(), s.Server, limit, lifetime))
		poor := s.Tenants[round%len(s.Tenants)]
		low := wire.Loss{Epsilon: limit.Epsilon - 0.05, Delta: 1e-6}
		check(t, s.SetBudget(t.Context(), s.Server, poor, low, lifetime))

		answered, refused := s.storm(round, clients, second)
		if len(answered) == 0 || refused == 0 {
			t.Fatalf("round %d: %d answers, %d refusals: the budget was not nearly spent", round, len(answered), refused)
		}
		price := byRelease(s.allCharges(poor))
		cheapest := int64(math.MaxInt64)
		for release := range answered {
			charge, ok := price[release]
			if !ok {
				t.Fatalf("round %d: the answer %s has no charge", round, release)
			}
			paid[release] = units(charge.Rho)
		}
		total := int64(0)
		for _, c := range paid {
			total, cheapest = total+c, min(cheapest, c)
		}
		s.checkSpent(round, total)
		above = max(above, total-capUnits(low))
		if bound := capUnits(low); total > bound || total+cheapest <= bound {
			t.Errorf("round %d: %d units spent of %d, with queries at %d", round, total, bound, cheapest)
		}
		t.Logf("round %d: %d answers, %d refusals, %d units left", round, len(answered), refused, capUnits(low)-total)
	}
	return above
}

// storm asks questions at ε that differ in the ninth digit, each by one
// client of either server, and returns the releases and the number of refusals.
func (s *site) storm(round, clients int, second *blackbox.Server) (map[string]bool, int) {
	s.t.Helper()
	var mu sync.Mutex
	releases := map[float64][]string{} // by ε
	refused := 0
	gate := make(chan struct{})
	var wg sync.WaitGroup
	for i := range clients {
		server := []*blackbox.Server{s.Server, second}[i%2]
		wg.Go(func() {
			<-gate
			for k := range 3 {
				// Clients 2j and 2j+1 ask the same of different servers.
				epsilon := 0.5 + 1e-9*float64(((round*3+k)*clients+i)/2)
				a, err := try(s.t, server, s.query(wire.QueryRequest{SQL: "SELECT service, COUNT(*) AS n FROM insteval GROUP BY service", Epsilon: &epsilon}))
				mu.Lock()
				switch {
				case err != nil:
					s.t.Errorf("client %d: %v", i, err)
				case a.status == http.StatusOK:
					releases[epsilon] = append(releases[epsilon], a.header.Get(wire.HeaderRelease))
				case a.status == http.StatusTooManyRequests && strings.Contains(string(a.body), "/problems/budget-exhausted"):
					refused++
				default:
					s.t.Errorf("client %d: %d %s", i, a.status, a.body)
				}
				mu.Unlock()
			}
		})
	}
	close(gate)
	wg.Wait()
	answered := map[string]bool{}
	for epsilon, ids := range releases {
		if one := slices.Compact(ids); len(one) != 1 {
			s.t.Errorf("the question at ε = %g has the releases %v, want one", epsilon, one)
		}
		answered[ids[0]] = true
	}
	return answered, refused
}

// byRelease indexes the charges that have a release.
func byRelease(charges []wire.Charge) map[string]wire.Charge {
	out := map[string]wire.Charge{}
	for _, c := range charges {
		if c.Release != nil {
			out[*c.Release] = c
		}
	}
	return out
}

// allCharges reads every page of a tenant's charges, newest first.
func (s *site) allCharges(tenant string) []wire.Charge {
	s.t.Helper()
	api, cursor := s.api(s.Budget[tenant]), ""
	var out []wire.Charge
	for {
		page, err := api.Charges(s.t.Context(), tenant, cursor, 500)
		check(s.t, err)
		out = append(out, page.Items...)
		if page.Next == nil {
			return out
		}
		cursor = *page.Next
	}
}

// spent reads what every account has spent, in units.
func (s *site) spent() map[string]int64 {
	s.t.Helper()
	out := map[string]int64{}
	for _, tenant := range s.Tenants {
		b, err := s.api(s.Budget[tenant]).TenantBudget(s.t.Context(), tenant)
		check(s.t, err)
		out[tenant] = units(b.Spent.Rho)
	}
	b, err := s.api(s.Operator).DatasetBudget(s.t.Context(), s.Dataset)
	check(s.t, err)
	out["the dataset"] = units(b.Spent.Rho)
	return out
}

func (s *site) checkSpent(round int, want int64) {
	s.t.Helper()
	for account, got := range s.spent() {
		if got != want {
			s.t.Errorf("round %d: %s spent %d units, and the answers cost %d", round, account, got, want)
		}
	}
}

// capUnits is the largest Σμ², in whole units, that a cap of (ε, δ) admits when
// a tenth of δ is set aside: δ(ε) = Φ(−ε/μ + μ/2) − e^ε·Φ(−ε/μ − μ/2) must not
// exceed 0.9δ. It grows with μ, so that halving finds it.
func capUnits(l wire.Loss) int64 {
	normal := func(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }
	lo, hi := 0.0, 10.0
	for range 200 {
		mu := (lo + hi) / 2
		if normal(-l.Epsilon/mu+mu/2)-math.Exp(l.Epsilon)*normal(-l.Epsilon/mu-mu/2) <= 0.9*l.Delta {
			lo = mu
		} else {
			hi = mu
		}
	}
	return int64(math.Ceil(lo * lo * perMu2 * (1 + 1e-12))) // the server's own arithmetic may round the other way
}

// TestCapsHereAreTheServers holds capUnits against what a server says before
// anything is spent.
func TestCapsHereAreTheServers(t *testing.T) {
	s := newSite(t)
	for i, limit := range []wire.Loss{{Epsilon: 0.5, Delta: 1e-9}, {Epsilon: 3, Delta: 1e-6}, {Epsilon: 10, Delta: 1e-5}} {
		tenant := s.Tenants[i]
		check(t, s.SetBudget(t.Context(), s.Server, tenant, limit, limit))
		b, err := s.api(s.Budget[tenant]).TenantBudget(t.Context(), tenant)
		check(t, err)
		want := capUnits(limit)
		if got := units(b.Remaining.Rho); got > want || float64(got) < float64(want)*(1-1e-9) {
			t.Errorf("%s has %d units, want %d", fmt.Sprint(limit), got, want)
		}
	}
}
