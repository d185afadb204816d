package ledger

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger/filter/filtertest"
	"github.com/noised/noised/privacy/translog"
)

// periodic asks for rows of some periods of tenant a and, with scope person, of
// dataset d.
func periodic(key string, mu2 int64, periods ...string) Request {
	r := ask(key, mu2)
	r.DatasetAccount, r.Periods = true, periods
	return r
}

func period(p string) privacy.Account { return privacy.TenantPeriodAccount("a", "d", p) }

// TestAPeriodIsChargedInsteadOfItsOwner: new rows bring new budget, old rows
// never get any back.
func TestAPeriodIsChargedInsteadOfItsOwner(t *testing.T) {
	f := newFixture(t)
	tenant, dataset := privacy.TenantAccount("a"), privacy.DatasetAccount("d")
	f.set(t, Budget{Cap: small}, tenant, dataset)
	whole := privacy.CapOf(small).Mu2
	f.mustCharge(t, periodic("spring", whole, "2024-03-01", "2024-04-01"))
	for _, a := range []privacy.Account{period("2024-03-01"), period("2024-04-01"), privacy.DatasetPeriodAccount("d", "2024-03-01")} {
		if s := f.state(t, a); s.Spent.Mu2 != whole || s.Lifetime != small || s.Cap != small || s.Window != privacy.WindowNone {
			t.Errorf("%s is %+v", a, s)
		}
	}
	for _, a := range []privacy.Account{tenant, dataset} {
		if s := f.state(t, a); s.SpentLifetime != (privacy.Cost{}) {
			t.Errorf("%s was charged %+v", a, s.SpentLifetime)
		}
	}
	_, err := f.Charge(t.Context(), periodic("april again", units, "2024-04-01", "2024-05-01"))
	want := []privacy.Account{privacy.DatasetPeriodAccount("d", "2024-04-01"), period("2024-04-01")}
	if why := refusal(t, err); names(why.Accounts) != names(want) {
		t.Errorf("refused by %v, want %v", why.Accounts, want)
	}
	if _, err := f.State(t.Context(), period("2024-05-01")); privacy.CodeOf(err) != privacy.CodeNotFound {
		t.Errorf("a refusal opened an account: %v", err)
	}
	f.mustCharge(t, periodic("may", whole, "2024-05-01"))
	f.mustCharge(t, periodic("rows without a date", whole, "other"))
	f.mustCharge(t, ask("another dataset", whole))
	f.audit(t)
}

func TestPeriodsNeedTheirOwnersBudget(t *testing.T) {
	f := newFixture(t)
	f.set(t, Budget{Cap: small}, privacy.DatasetAccount("d"))
	r := periodic("q", units, "2024-03-01", "2024-04-01")
	_, err := f.Charge(t.Context(), r)
	if why := refusal(t, err); names(why.Accounts) != names([]privacy.Account{privacy.TenantAccount("a")}) || !why.ReopensAt.IsZero() {
		t.Errorf("refused by %v", why.Accounts)
	}
	previews, err := f.Preview(t.Context(), r)
	if err != nil || len(previews) != 3 || !previews[0].Exhausted || previews[0].Account != privacy.TenantAccount("a") {
		t.Errorf("previews %+v, %v", previews, err)
	}
	if n := f.scalar(t, `SELECT count(*) FROM accounts`); n != 1 {
		t.Errorf("%d accounts are open, want the dataset's", n)
	}
}

func TestABudgetPerPeriodCannotBeSetByItself(t *testing.T) {
	f := newFixture(t)
	f.set(t, Budget{Cap: small}, privacy.TenantAccount("a"), privacy.DatasetAccount("d"))
	for _, a := range []privacy.Account{period("2024-03-01"), privacy.DatasetPeriodAccount("d", "other")} {
		if err := f.SetBudget(t.Context(), a, Budget{Cap: small}, admin); privacy.CodeOf(err) != privacy.CodeInvalidRequest {
			t.Errorf("%s: %v", a, err)
		}
	}
}

// TestOptionalAccountsStayWhole: what caps a dataset, a principal or a group
// does so over all periods together.
func TestOptionalAccountsStayWhole(t *testing.T) {
	f := newFixture(t)
	f.set(t, Budget{Cap: small}, privacy.TenantAccount("a"), privacy.DatasetAccount("d"))
	whole := []privacy.Account{
		privacy.TenantDatasetAccount("a", "d"), privacy.TenantPrincipalAccount("a", "key_p"), privacy.TenantGroupAccount("a", "acme"),
	}
	f.set(t, Budget{Cap: small}, whole...)
	for i := range 3 {
		r := periodic(fmt.Sprint("q", i), units, fmt.Sprint("2024-0", i+1, "-01"), "other")
		r.Group = "acme"
		f.mustCharge(t, r)
	}
	for _, a := range whole {
		if s := f.state(t, a); s.Spent.Mu2 != 3*units {
			t.Errorf("%s spent %d, want three queries", a, s.Spent.Mu2)
		}
	}
	f.audit(t)
}

// TestPeriodsMoveWithTheirOwner: lowering a cap lowers all, in one step, and a
// window paces each period under its own lifetime ceiling.
func TestPeriodsMoveWithTheirOwner(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	tenant, dataset := privacy.TenantAccount("a"), privacy.DatasetAccount("d")
	lifetime := privacy.Loss{Epsilon: 2, Delta: 2e-6}
	f.set(t, Budget{Cap: small, Lifetime: &lifetime}, tenant, dataset, privacy.TenantAccount("b"))
	tiny := privacy.Loss{Epsilon: 0.05, Delta: 1e-7}
	spent := privacy.CapOf(tiny).Mu2
	f.mustCharge(t, periodic("q1", spent, "2024-03-01", "2024-04-01"))
	others := ask("b's", units)
	others.Tenants, others.Periods = []string{"b"}, []string{"2024-03-01"}
	f.mustCharge(t, others)

	f.set(t, Budget{Cap: tiny, Window: privacy.WindowMonth}, tenant)
	for _, p := range []string{"2024-03-01", "2024-04-01"} {
		s := f.state(t, period(p))
		if s.Cap != tiny || s.Window != privacy.WindowMonth || s.Lifetime != lifetime || s.Spent.Mu2 != spent {
			t.Errorf("%s is %+v", p, s)
		}
	}
	for _, a := range []privacy.Account{privacy.DatasetPeriodAccount("d", "2024-03-01"), privacy.TenantPeriodAccount("b", "d", "2024-03-01")} {
		if s := f.state(t, a); s.Cap != small || s.Window != privacy.WindowNone {
			t.Errorf("%s moved too: %+v", a, s)
		}
	}
	_, err := f.Charge(ctx, periodic("q2", units, "2024-03-01"))
	if why := refusal(t, err); names(why.Accounts) != names([]privacy.Account{period("2024-03-01")}) {
		t.Errorf("refused by %v", why.Accounts)
	}
	_, err = f.Charge(ctx, periodic("q3", spent+1, "2024-06-01"))
	if why := refusal(t, err); names(why.Accounts) != names([]privacy.Account{period("2024-06-01")}) {
		t.Errorf("a period that opens later is refused by %v", why.Accounts)
	}
	f.set(t, Budget{Cap: small, Window: privacy.WindowMonth}, tenant)
	f.mustCharge(t, periodic("q4", units, "2024-03-01"))
	f.audit(t)
}

// TestPeriodsAreListedNewestFirst, and their charges are in the tenant's history.
func TestPeriodsAreListedNewestFirst(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	f.set(t, Budget{Cap: small}, privacy.TenantAccount("a"), privacy.TenantAccount("ab"), privacy.DatasetAccount("d"))
	first := f.mustCharge(t, periodic("q1", units, "2024-03-01", "other", "2023-12-01"))
	r := periodic("q2", units, "2024-05-01")
	r.Tenants = []string{"a", "ab"}
	second := f.mustCharge(t, r)
	for parent, want := range map[privacy.Account][]string{
		privacy.TenantAccount("a"):  {"other", "2024-05-01", "2024-03-01", "2023-12-01"},
		privacy.TenantAccount("ab"): {"2024-05-01"},
		privacy.DatasetAccount("d"): {"other", "2024-05-01", "2024-03-01", "2023-12-01"},
		privacy.DatasetAccount("a"): nil,
		period("2024-03-01"):        nil,
	} {
		states, err := f.Periods(ctx, parent)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range states {
			if p, ok := s.Account.Parent(); !ok || p != parent {
				t.Errorf("%s is listed under %s", s.Account, parent)
			}
			_, name, _ := s.Account.Period()
			got = append(got, name)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s has %v, want %v", parent, got, want)
		}
	}
	items, next, err := f.Charges(ctx, privacy.TenantAccount("a"), "", 1)
	if err != nil || len(items) != 1 || items[0].Charge != second.ID || next != second.ID {
		t.Fatalf("history is %+v, %q, %v", items, next, err)
	}
	items, next, err = f.Charges(ctx, privacy.TenantAccount("a"), next, 1)
	if err != nil || len(items) != 1 || items[0].Charge != first.ID || items[0].Cost != first.Cost || next != "" {
		t.Errorf("history goes on %+v, %q, %v", items, next, err)
	}
	if items, _, err := f.Charges(ctx, privacy.TenantAccount("ab"), "", 0); err != nil || len(items) != 1 {
		t.Errorf("the other tenant's history is %+v, %v", items, err)
	}
	if items, _, err := f.Charges(ctx, period("2024-03-01"), "", 0); err != nil || len(items) != 1 || items[0].Charge != first.ID {
		t.Errorf("the period's history is %+v, %v", items, err)
	}
	if _, _, err := f.Charges(ctx, privacy.TenantAccount("ab"), first.ID, 0); privacy.CodeOf(err) != privacy.CodeInvalidRequest {
		t.Errorf("another tenant's cursor: %v", err)
	}
}

// TestOpeningManyPeriodsIsOneLeafPerOwner: the log names every account when it
// opens, and commits to them all when they are charged.
func TestOpeningManyPeriodsIsOneLeafPerOwner(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	f.set(t, Budget{Cap: small}, privacy.TenantAccount("a"), privacy.DatasetAccount("d"))
	var periods []string
	for i := range maxParameters + 1 { // more than one statement reads
		periods = append(periods, fmt.Sprintf("%05d", i))
	}
	f.mustCharge(t, periodic("q1", units, periods...))
	f.mustCharge(t, periodic("q2", units, periods...))
	size, err := translog.Size(ctx, f.db)
	if err != nil || size != 2+2+2 {
		t.Fatalf("the log has %d leaves, %v, want two budgets, two openings, two charges", size, err)
	}
	for i, want := range map[int64]string{2: `"periods_of":"tenant:a"`, 3: `"periods_of":"dataset:d"`, 5: `"charge":"chg_`} {
		leaf, err := translog.Entry(ctx, f.db, i)
		if err != nil || !strings.Contains(string(leaf), want) {
			t.Errorf("leaf %d lacks %s, %v", i, want, err)
		}
		if names := strings.Count(string(leaf), `-period:`); i < 4 && names != len(periods) || i == 5 && names != 0 {
			t.Errorf("leaf %d names %d accounts", i, names)
		}
	}
	f.audit(t)
}

func TestTooManyAccountsAreRefused(t *testing.T) {
	f := newFixture(t)
	f.set(t, Budget{Cap: small}, privacy.TenantAccount("a"), privacy.DatasetAccount("d"))
	r := periodic("q", units)
	for i := range maxAccounts/2 + 1 {
		r.Periods = append(r.Periods, fmt.Sprint(i))
	}
	_, previewErr := f.Preview(t.Context(), r)
	_, chargeErr := f.Charge(t.Context(), r)
	for _, err := range []error{previewErr, chargeErr} {
		if privacy.CodeOf(err) != privacy.CodeQueryNotPermitted {
			t.Errorf("got %v", err)
		}
	}
	r.Periods = []string{"2024-03-01", ""}
	if _, err := f.Charge(t.Context(), r); privacy.CodeOf(err) != privacy.CodeInternal {
		t.Errorf("a period without a name: %v", err)
	}
}

// TestAPeriodsTimeBeginsNoEarlierThanItsOwners: setting the clock back before a
// period is first charged gains it no window.
func TestAPeriodsTimeBeginsNoEarlierThanItsOwners(t *testing.T) {
	f := newFixture(t)
	lifetime := privacy.Loss{Epsilon: 10, Delta: 1e-5}
	f.set(t, Budget{Cap: small, Window: privacy.WindowDay, Lifetime: &lifetime}, privacy.TenantAccount("a"), privacy.DatasetAccount("d"))
	f.clock.advance(-3 * 24 * time.Hour)
	day := privacy.CapOf(small).Mu2
	f.mustCharge(t, periodic("q", day, "2024-03-01"))
	for range 3 {
		f.clock.advance(24 * time.Hour)
		_, err := f.Charge(t.Context(), periodic("again", units, "2024-03-01"))
		refusal(t, err)
	}
	f.clock.advance(24 * time.Hour)
	f.mustCharge(t, periodic("tomorrow", day, "2024-03-01"))
}

// TestAPersonLosesAtMostTheSumOverItsPeriods: whatever the periods that queries
// touch, a person whose rows lie in some of them loses at most the sum of those
// periods' ceilings, and a person of one period at most one ceiling.
func TestAPersonLosesAtMostTheSumOverItsPeriods(t *testing.T) {
	calendar := []string{"2024-01-01", "2024-02-01", "2024-03-01", "other"}
	rapid.Check(t, func(rt *rapid.T) {
		f := newFixture(t)
		limit := privacy.Loss{Epsilon: 0.5, Delta: 1e-7}
		lifetime := privacy.Loss{Epsilon: 1, Delta: 2e-7}
		w := rapid.SampledFrom(filtertest.Windows()).Draw(rt, "window")
		f.set(t, Budget{Cap: limit, Window: w, Lifetime: &lifetime}, privacy.TenantAccount("a"), privacy.DatasetAccount("d"))
		person := map[string]bool{}
		for _, p := range rapid.SliceOfNDistinct(rapid.SampledFrom(calendar), 1, 3, rapid.ID).Draw(rt, "the person's periods") {
			person[p] = true
		}
		var lost privacy.Cost
		for i := range rapid.IntRange(1, 8).Draw(rt, "queries") {
			f.clock.set(filtertest.DrawClock(rt, f.clock.micros.Load()))
			r := periodic(fmt.Sprint("q", i), rapid.Int64Range(units, privacy.CapOf(limit).Mu2).Draw(rt, "mu2"),
				rapid.SliceOfNDistinct(rapid.SampledFrom(calendar), 1, 4, rapid.ID).Draw(rt, "periods")...)
			if _, err := f.Charge(t.Context(), r); err != nil {
				refusal(t, err)
				continue
			}
			for _, p := range r.Periods {
				if person[p] {
					lost = lost.Add(r.Cost)
					break
				}
			}
		}
		ceiling := privacy.CapOf(lifetime)
		n := int64(len(person))
		if !lost.Within(privacy.Cost{Mu2: n * ceiling.Mu2, Delta: n * ceiling.Delta}) {
			rt.Fatalf("a person of %d periods lost %+v, each period's ceiling is %+v", n, lost, ceiling)
		}
		f.audit(t)
	})
}

func TestQueriesLeftOfNothing(t *testing.T) {
	if got := times(privacy.Cost{Mu2: 7}, privacy.Cost{}); got != math.MaxInt64 {
		t.Errorf("what costs nothing fits %d times", got)
	}
}
