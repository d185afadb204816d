//go:build audit

package e2e

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/blackbox"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/ledger"
)

// TestAuditAttack14Recreate deletes and re-creates a tenant, a key, and a
// membership, and asks for the budget to be set anew after each: what is left
// never rises.
func TestAuditAttack14Recreate(t *testing.T) {
	s := build(t, cellsContract, map[string]string{"t": cellsFile(1, 5), "u": cellsFile(1, 5)})
	limit := wire.Loss{Epsilon: 20, Delta: 0.2}
	check(t, s.api(s.Operator).DeleteTenant(t.Context(), "t"))
	s.rejoin("t")
	if _, err := s.api(s.Budget["t"]).SetTenantBudget(t.Context(), "t", wire.TenantBudgetRequest{Epsilon: 2e5, Delta: 0.5, Lifetime: &wire.Loss{Epsilon: 2e5, Delta: 0.5}}); err == nil {
		t.Error("deleting a tenant raised its lifetime ceiling")
	}
	check(t, s.SetBudget(t.Context(), s.Server, "t", limit, generous))
	check(t, s.SetBudget(t.Context(), s.Server, "u", limit, generous))
	s.loadCSV(map[string]string{"t": cellsFile(1, 5)})

	acts := map[string]func(){
		"delete the tenant": func() {
			check(t, s.api(s.Operator).DeleteTenant(t.Context(), "t"))
			s.rejoin("t")
			s.loadCSV(map[string]string{"t": cellsFile(1, 5)})
		},
		"suspend and wake it": func() {
			for _, suspended := range []bool{true, false} {
				_, err := s.api(s.Operator).SetSuspended(t.Context(), "t", suspended)
				check(t, err)
			}
		},
		"leave and accept": func() {
			check(t, s.api(s.Admin["t"]).LeaveDataset(t.Context(), s.Dataset, "t"))
			_, err := s.api(s.Admin["t"]).AcceptContract(t.Context(), s.Dataset, "t", 1)
			check(t, err)
		},
		"another analyst's key": func() {
			key, err := blackbox.NewKey(t.Context(), s.api(s.Operator), wire.Analyst, "")
			check(t, err)
			mine := *s.Parties
			mine.Analyst = key
			s.Parties = &mine
		},
		"set the budget anew": func() { check(t, s.SetBudget(t.Context(), s.Server, "t", limit, generous)) },
		"restart":             func() { check(t, s.Stop()); s.start("--request-rate", "1000000") },
	}
	worst := int64(0)
	n := 0
	for name, act := range acts {
		for i := range 3 {
			s.ask(wire.QueryRequest{SQL: fmt.Sprintf("SELECT COUNT(*) AS n FROM cells WHERE cell > %d", n*10+i), Epsilon: ptr(0.5)})
		}
		n++
		before := s.leftOf("t")
		act()
		after := s.leftOf("t")
		worst = max(worst, after-before)
		if after > before {
			t.Errorf("%s: %d units were left, and then %d", name, before, after)
		}
	}
	verdict(t, "attack-14", len(acts), 0, worst)
}

// rejoin creates a tenant that was deleted, with keys and membership.
func (s *site) rejoin(tenant string) {
	s.t.Helper()
	api := s.api(s.Operator)
	_, err := api.CreateTenant(s.t.Context(), tenant, "")
	check(s.t, err)
	for role, keys := range map[wire.Role]map[string]string{
		wire.TenantAdmin: s.Admin, wire.BudgetAdmin: s.Budget, wire.Contributor: s.Loader,
	} {
		k, err := api.CreateKey(s.t.Context(), wire.KeyRequest{Role: role, Tenant: &tenant})
		check(s.t, err)
		keys[tenant] = k.Key
	}
	_, err = s.api(s.Admin[tenant]).AcceptContract(s.t.Context(), s.Dataset, tenant, 1)
	check(s.t, err)
}

// leftOf reads what a tenant's account has left, in units.
func (s *site) leftOf(tenant string) int64 {
	s.t.Helper()
	b, err := s.api(s.Budget[tenant]).TenantBudget(s.t.Context(), tenant)
	check(s.t, err)
	return units(b.Remaining.Rho)
}

// TestAuditAttack15Rollback puts an older copy of the data directory back. With
// a high-water mark outside of it the server refuses to serve, until the
// operator accepts what was lost.
func TestAuditAttack15Rollback(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "mark")
	s := &site{t: t, dir: filepath.Join(t.TempDir(), "data")}
	operator, err := program.Init(t.Context(), s.dir)
	check(t, err)
	check(t, program.Run(t.Context(), "ledger", "accept", "--data-dir", s.dir, "--high-water-file", mark, "--yes"))
	s.start("--high-water-file", mark)
	s.Parties, err = blackbox.SetUp(t.Context(), s.Server, operator, []byte(cellsContract), []string{"t"})
	check(t, err)
	s.budget(wire.Loss{Epsilon: 5, Delta: 0.1})
	s.loadCSV(map[string]string{"t": cellsFile(1, 5)})
	q := func(i int) wire.QueryRequest {
		return wire.QueryRequest{SQL: fmt.Sprintf("SELECT COUNT(*) AS n FROM cells WHERE cell > %d", i)}
	}
	s.ask(q(0))
	check(t, s.Stop())
	old := filepath.Join(t.TempDir(), "old")
	check(t, blackbox.CopyDir(s.dir, old))
	s.start("--high-water-file", mark)
	s.ask(q(1))
	left := s.leftOf("t")
	check(t, s.Kill())

	for name, dir := range map[string]string{"the copy": old} {
		if server, err := program.Start(t.Context(), dir, "--high-water-file", mark); err == nil {
			_ = server.Kill()
			t.Errorf("%s is served although its ledger is older than the mark", name)
		}
	}
	if server, err := program.Start(t.Context(), s.dir, "--high-water-file", filepath.Join(t.TempDir(), "none")); err == nil {
		_ = server.Kill()
		t.Error("a missing mark passes")
	}
	s.start("--high-water-file", mark)
	if now := s.leftOf("t"); now > left {
		t.Errorf("%d units were left before, and now %d", left, now)
	}
	verdict(t, "attack-15", 2, "refused", "refused")
}

// TestAuditAttack21Adaptive spends a budget by thousands of random strategies
// and by tiny charges. No sequence gets past the cap, and whether a charge is
// refused follows from what was charged before and nothing else.
func TestAuditAttack21Adaptive(t *testing.T) {
	db, err := controldb.Open(t.Context(), filepath.Join(t.TempDir(), "control.db"))
	check(t, err)
	t.Cleanup(func() { check(t, db.Close()) })
	l := ledger.New(db, time.Now)
	strategies, charges, drift := times(200, 10_000), 0, int64(0)
	for i := range strategies {
		r := rand.New(rand.NewPCG(21, uint64(i)))
		limit := privacy.Loss{Epsilon: math.Exp(r.Float64()*4 - 2), Delta: math.Pow(10, -3-6*r.Float64())}
		d := drain(t, l, fmt.Sprintf("t%d", i), limit, func(left privacy.Cost) privacy.Cost {
			c := privacy.Cost{Mu2: max(privacy.MinRunMu2, int64(float64(left.Mu2)*math.Pow(r.Float64(), 3))), Delta: int64(float64(left.Delta) * r.Float64() * r.Float64())}
			if r.IntN(5) == 0 {
				c.Mu2 += left.Mu2 // too much
			}
			return c
		}, 60)
		charges, drift = charges+d.charges, max(drift, d.above)
	}
	tiny := drain(t, l, "tiny", privacy.Loss{Epsilon: 2, Delta: 1e-6}, func(privacy.Cost) privacy.Cost {
		return privacy.Cost{Mu2: privacy.MinRunMu2}
	}, times(3_000, 1_000_000))
	charges, drift = charges+tiny.charges, max(drift, tiny.above)
	verdict(t, "attack-21", charges, 0, drift)
}

type drained struct {
	charges int
	above   int64
}

// drain charges an account by a strategy, and follows it with integers.
func drain(t *testing.T, l *ledger.Ledger, tenant string, limit privacy.Loss, next func(left privacy.Cost) privacy.Cost, steps int) drained {
	t.Helper()
	ctx := context.Background()
	check(t, l.SetBudget(ctx, privacy.TenantAccount(tenant), ledger.Budget{Cap: limit}, privacy.Principal{ID: "admin"}))
	rectangle := privacy.CapOf(limit)
	left, out := rectangle, drained{}
	for i := range steps {
		c := next(left)
		fits := c.Mu2 <= left.Mu2 && c.Delta <= left.Delta
		_, err := l.Charge(ctx, ledger.Request{Key: fmt.Sprint(tenant, " ", i), Principal: "a", Dataset: "d", Tenants: []string{tenant}, Loss: privacy.Loss{Epsilon: 1, Delta: 1e-9}, Cost: c})
		if (err == nil) != fits {
			t.Fatalf("%s: a charge of %+v with %+v left: %v", tenant, c, left, err)
		}
		if err == nil {
			left.Mu2, left.Delta = left.Mu2-c.Mu2, left.Delta-c.Delta
			out.charges++
		}
	}
	state, err := l.State(ctx, privacy.TenantAccount(tenant))
	check(t, err)
	out.above = max(0, state.Spent.Mu2-rectangle.Mu2, state.Spent.Delta-rectangle.Delta)
	if state.Remaining != left || out.above > 0 {
		t.Errorf("%s: %+v is left, want %+v", tenant, state.Remaining, left)
	}
	return out
}

// TestAuditAttack22Updates runs neighbouring histories in which a load in the
// middle, or an erasure, has or lacks one person. Every event, charge, price and size is
// the same; the question is charged before and after each.
func TestAuditAttack22Updates(t *testing.T) {
	with := cellsFile(1, 5)
	without := strings.Replace(with, "\n100,1,5", "", 1)
	run := func(middle string, erased ...string) []trace {
		s := build(t, cellsContract, map[string]string{"t": cellsFile(1, 3)})
		var out []trace
		ask := func() {
			q := cellsQuery("COUNT(*)", 1)
			out = append(out, s.observe(s.query(q)), s.observe(s.query(q)))
			out = append(out, trace{Request: "spent", Body: fmt.Sprint(s.spentBy("t"))})
		}
		ask()
		s.sendFile("t", wire.TypeCSV, middle, "?write=replace")
		ask()
		s.sendFile("t", wire.TypeCSV, middle, "?write=append")
		ask()
		s.erase("t", append(erased, "200")...)
		ask()
		s.sendFile("t", wire.TypeCSV, "person,cell,x\n", "?write=replace")
		ask()
		s.erase("t", append(erased, "200")...)
		ask()
		if n := len(s.allCharges("t")); n != 6 {
			t.Errorf("%d charges, want one before and one after each of three loads and two erasures", n)
		}
		return out
	}
	a := run(with)
	if diff := cmp.Diff(a, run(without)); diff != "" {
		t.Errorf("one person in a load shows:\n%s", diff)
	}
	// Loads of nobody at all are events like any other.
	if diff := cmp.Diff(a, run("person,cell,x\n")); diff != "" {
		t.Errorf("an empty load shows:\n%s", diff)
	}
	// One person inside or outside of the same erasure, who is there or is not.
	for name, other := range map[string][]trace{
		"who is there": run(with, "100"), "who is not there": run(without, "100"), "nobody knows": run(with, "424242"),
	} {
		if diff := cmp.Diff(a, other); diff != "" {
			t.Errorf("one person in an erasure, %s, shows:\n%s", name, diff)
		}
	}
	verdict(t, "attack-22", 3*len(a), "identical", "identical")
}

// TestAuditAttack23Clock moves the clock by up to ten years in both directions,
// with restarts, and spends whatever is admitted. Never more than the scheduled
// refills of the furthest time seen, never more than the lifetime ceiling.
func TestAuditAttack23Clock(t *testing.T) {
	runs, steps, worst := times(60, 1000), 0, 0.0
	for run := range runs {
		r := rand.New(rand.NewPCG(23, uint64(run)))
		path := filepath.Join(t.TempDir(), "control.db")
		start := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
		clock, furthest := start, start
		db, err := controldb.Open(t.Context(), path)
		check(t, err)
		l := ledger.New(db, func() time.Time { return clock })
		limit, lifetime := privacy.Loss{Epsilon: 1, Delta: 1e-6}, privacy.Loss{Epsilon: 3, Delta: 1e-6}
		window := []privacy.Window{privacy.WindowDay, privacy.WindowWeek, privacy.WindowMonth, privacy.WindowNone}[run%4]
		account := privacy.TenantAccount("t")
		check(t, l.SetBudget(t.Context(), account, ledger.Budget{Cap: limit, Window: window, Lifetime: &lifetime}, privacy.Principal{ID: "admin"}))
		cost := privacy.Cost{Mu2: privacy.CapOf(limit).Mu2 / 5}
		admitted, refills := int64(0), int64(1)
		for i := range 40 {
			before := furthest
			clock = start.AddDate(0, 0, r.IntN(7300)-3650)
			if r.IntN(3) > 0 {
				clock = furthest.Add(time.Duration(r.IntN(72)-36) * time.Hour)
			}
			if clock.After(furthest) {
				furthest = clock
			}
			if opens(window, before, furthest) {
				refills++
			}
			if r.IntN(6) == 0 {
				check(t, db.Close())
				db, err = controldb.Open(t.Context(), path)
				check(t, err)
				l = ledger.New(db, func() time.Time { return clock })
			}
			for k := range 7 {
				_, err := l.Charge(t.Context(), ledger.Request{Key: fmt.Sprint(i, k), Principal: "a", Dataset: "d", Tenants: []string{"t"}, Loss: limit, Cost: cost})
				if steps++; err == nil {
					admitted += cost.Mu2
				}
			}
		}
		check(t, db.Close())
		most := min(refills*privacy.CapOf(limit).Mu2, privacy.CapOf(lifetime).Mu2)
		worst = max(worst, float64(admitted)/float64(most))
		if admitted > most {
			t.Errorf("run %d: %d units admitted, at most %d are scheduled", run, admitted, most)
		}
	}
	verdict(t, "attack-23", steps, 1.0, worst)
}

// opens reports whether a new window has begun between two instants.
func opens(w privacy.Window, before, after time.Time) bool {
	day := func(t time.Time) int64 { return t.Unix() / 86400 }
	switch w {
	case privacy.WindowDay:
		return day(after) > day(before)
	case privacy.WindowWeek:
		return (day(after)+3)/7 > (day(before)+3)/7 // 1970 began on a Thursday
	case privacy.WindowMonth:
		return after.Year()*12+int(after.Month()) > before.Year()*12+int(before.Month())
	}
	return false
}
