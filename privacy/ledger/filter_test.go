package ledger

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger/filter"
	"github.com/noised/noised/privacy/ledger/filter/filtertest"
)

// TestAdmittedQueries charges Gaussian queries of (0.1, 1e-9) each until they
// are refused, and compares with the published counts for caps of (ε, 1e-6)
// with nine tenths of δ on conversion. Basic composition would admit 100, 30
// and 10.
func TestAdmittedQueries(t *testing.T) {
	query := privacy.Loss{Epsilon: 0.1, Delta: 1e-9}
	mu := privacy.MuOf(query)
	cost, err := privacy.CostOf(mu*mu, 0)
	if err != nil {
		t.Fatal(err)
	}
	caps := map[float64]int{10: 8553, 3: 1048, 1: 139}
	if raceDetector {
		delete(caps, 10)
	}
	for epsilon, want := range caps {
		t.Run(fmt.Sprint("cap ", epsilon), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			a := privacy.TenantAccount("a")
			f.set(t, Budget{Cap: privacy.Loss{Epsilon: epsilon, Delta: 1e-6}}, a)
			admitted := 0
			for {
				r := ask(fmt.Sprint(admitted), cost.Mu2)
				r.Cost, r.Loss = cost, query
				if _, err := f.Charge(t.Context(), r); err != nil {
					refusal(t, err)
					break
				}
				admitted++
			}
			if admitted != want {
				t.Errorf("%d queries admitted, want %d", admitted, want)
			}
			s := f.state(t, a)
			if spent := s.SpentLoss(); spent.Epsilon > epsilon || spent.Delta > 1e-6 {
				t.Errorf("spent %+v of (%g, 1e-6)", spent, epsilon)
			}
			if next := s.Spent.Add(cost); privacy.SpentEpsilon(next, s.Cap) <= epsilon {
				t.Errorf("one more query would amount to ε = %g and was refused", privacy.SpentEpsilon(next, s.Cap))
			}
			f.audit(t)
		})
	}
}

// TestTheLedgerKeepsToTheSumOfItsDebits drives the real ledger with random
// charges over three accounts, budget changes, clock moves in both directions
// and restarts, beside an independent view of each account.
func TestTheLedgerKeepsToTheSumOfItsDebits(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := newFixture(t)
		accounts := []privacy.Account{privacy.TenantAccount("a"), privacy.TenantAccount("b"), privacy.DatasetAccount("d")}
		caps := []privacy.Loss{{Epsilon: 0.5, Delta: 1e-7}, {Epsilon: 1, Delta: 1e-6}, {Epsilon: 2, Delta: 2e-6}}
		views := map[privacy.Account]*filtertest.History{}
		for _, a := range accounts {
			limit, w := rapid.SampledFrom(caps).Draw(rt, "cap"), rapid.SampledFrom(filtertest.Windows()).Draw(rt, "window")
			lifetime := privacy.Loss{Epsilon: 3, Delta: 3e-6}
			f.set(t, Budget{Cap: limit, Window: w, Lifetime: &lifetime}, a)
			views[a] = &filtertest.History{Window: w, Limit: privacy.CapOf(limit), Lifetime: privacy.CapOf(lifetime), Seen: f.clock.micros.Load()}
		}
		unit := privacy.CapOf(caps[0])
		charges := 0
		rt.Repeat(map[string]func(*rapid.T){
			"charge": func(rt *rapid.T) {
				charges++
				r := ask(fmt.Sprint(charges), rapid.Int64Range(units, unit.Mu2).Draw(rt, "mu2"))
				r.Cost.Delta = rapid.Int64Range(0, unit.Delta).Draw(rt, "delta")
				r.Tenants = rapid.SampledFrom([][]string{{"a"}, {"b"}, {"a", "b"}}).Draw(rt, "tenants")
				r.DatasetAccount = rapid.Bool().Draw(rt, "dataset")
				want := allAdmit(views, r, f.clock.micros.Load())
				if _, err := f.Charge(t.Context(), r); (err == nil) != want {
					rt.Fatalf("charge: %v; by the sums of all debits it is admitted: %v", err, want)
				}
			},
			"set budget": func(rt *rapid.T) {
				a := rapid.SampledFrom(accounts).Draw(rt, "account")
				limit, w := rapid.SampledFrom(caps).Draw(rt, "cap"), rapid.SampledFrom(filtertest.Windows()).Draw(rt, "window")
				before := f.state(t, a)
				f.set(t, Budget{Cap: limit, Window: w}, a)
				if before.Cap != limit || before.Window != w {
					views[a].Rebudget(f.clock.micros.Load(), privacy.CapOf(limit), w)
				}
			},
			"clock":   func(rt *rapid.T) { f.clock.set(filtertest.DrawClock(rt, f.clock.micros.Load())) },
			"restart": func(rt *rapid.T) { _ = f.db.Close(); *f = *f.reopen(t) },
			"": func(rt *rapid.T) {
				for a, h := range views {
					s := f.state(t, a)
					seen := max(h.Seen, f.clock.micros.Load())
					if s.SpentLifetime != h.Since(math.MinInt64) || s.Spent != h.Since(filter.WindowStart(h.Window, seen)) {
						rt.Fatalf("%s is %+v, its debits are %+v", a, s, h.Debits)
					}
				}
			},
		})
		f.audit(t)
	})
}

// allAdmit debits every view that a request touches, or none.
func allAdmit(views map[privacy.Account]*filtertest.History, r Request, now int64) bool {
	required := r.required()
	var before []filtertest.History
	for i, a := range required {
		before = append(before, *views[a])
		if !views[a].Debit(now, r.Cost) {
			for j := range i + 1 {
				*views[required[j]] = before[j]
			}
			return false
		}
	}
	return true
}
