package ledger

import (
	"context"
	"database/sql"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/translog"
)

func TestBudgetsOutOfRangeAreRefused(t *testing.T) {
	loss := func(e, d float64) privacy.Loss { return privacy.Loss{Epsilon: e, Delta: d} }
	lifetime := func(e, d float64) *privacy.Loss { l := loss(e, d); return &l }
	for name, b := range map[string]Budget{
		"no epsilon":               {Cap: loss(0, 1e-6)},
		"negative epsilon":         {Cap: loss(-1, 1e-6)},
		"NaN":                      {Cap: loss(math.NaN(), 1e-6)},
		"infinite":                 {Cap: loss(math.Inf(1), 1e-6)},
		"no delta":                 {Cap: loss(1, 0)},
		"delta of one":             {Cap: loss(1, 1)},
		"denormal epsilon":         {Cap: loss(1e-320, 1e-6)},
		"unknown window":           {Cap: small, Window: "year"},
		"lifetime out of range":    {Cap: small, Lifetime: lifetime(1, math.NaN())},
		"lifetime below the cap":   {Cap: small, Lifetime: lifetime(0.5, 1e-6)},
		"lifetime delta below cap": {Cap: small, Lifetime: lifetime(2, 1e-7)},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			err := f.SetBudget(t.Context(), privacy.TenantAccount("a"), b, admin)
			if privacy.CodeOf(err) != privacy.CodePrivacyParameters {
				t.Errorf("got %v, want privacy-parameters", err)
			}
			if _, err := f.State(t.Context(), privacy.TenantAccount("a")); privacy.CodeOf(err) != privacy.CodeNotFound {
				t.Errorf("the account exists: %v", err)
			}
		})
	}
}

func TestAccountNamesAreChecked(t *testing.T) {
	f := newFixture(t)
	for _, a := range []privacy.Account{{}, {Kind: "world", Owner: "a"}, {Kind: privacy.AccountTenant}, {Kind: privacy.AccountTenantDataset, Owner: "a"}} {
		if err := f.SetBudget(t.Context(), a, Budget{Cap: small}, admin); privacy.CodeOf(err) != privacy.CodeInvalidRequest {
			t.Errorf("%+v: %v", a, err)
		}
	}
}

func TestTheFirstBudgetFixesTheLifetimeCeiling(t *testing.T) {
	f := newFixture(t)
	a := privacy.TenantAccount("a")
	loss := func(e, d float64) privacy.Loss { return privacy.Loss{Epsilon: e, Delta: d} }
	ceiling, other := loss(3, 1e-6), loss(4, 1e-6)
	steps := []struct {
		name string
		b    Budget
		want privacy.Code
	}{
		{"open below a ceiling", Budget{Cap: loss(1, 1e-6), Lifetime: &ceiling}, ""},
		{"raise up to it", Budget{Cap: loss(3, 1e-6)}, ""},
		{"raise epsilon beyond", Budget{Cap: loss(3.1, 1e-6)}, privacy.CodeConflict},
		{"raise delta beyond", Budget{Cap: loss(3, 2e-6)}, privacy.CodeConflict},
		{"state the ceiling again", Budget{Cap: loss(2, 1e-7), Lifetime: &ceiling}, ""},
		{"change the ceiling", Budget{Cap: loss(2, 1e-7), Lifetime: &other}, privacy.CodeConflict},
		{"change the window", Budget{Cap: loss(2, 1e-7), Window: privacy.WindowWeek}, ""},
	}
	for _, s := range steps {
		if got := privacy.CodeOf(f.SetBudget(t.Context(), a, s.b, admin)); got != s.want {
			t.Errorf("%s: %q, want %q", s.name, got, s.want)
		}
	}
	got := f.state(t, a)
	if got.Lifetime != ceiling || got.Cap != loss(2, 1e-7) || got.Window != privacy.WindowWeek {
		t.Errorf("state is %+v", got)
	}
	if want := time.Date(2026, 3, 9, 0, 0, 0, 0, time.UTC); !got.ReopensAt.Equal(want) {
		t.Errorf("reopens at %v, want %v", got.ReopensAt, want)
	}
}

func TestSettingABudgetAgainIsOneLeaf(t *testing.T) {
	f := newFixture(t)
	a := privacy.TenantAccount("a")
	for range 3 {
		f.set(t, Budget{Cap: small}, a)
	}
	f.set(t, Budget{Cap: privacy.Loss{Epsilon: 0.5, Delta: 1e-6}}, a)
	size, err := translog.Size(t.Context(), f.db)
	if err != nil || size != 2 {
		t.Fatalf("the log has %d leaves (%v), want 2", size, err)
	}
	leaf, err := translog.Entry(t.Context(), f.db, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"account":"tenant:a"`, `"cap":{"delta":"1e-06","epsilon":"0.5"}`, `"by":"key_admin"`, `"kind":"budget"`} {
		if !strings.Contains(string(leaf), part) {
			t.Errorf("leaf %s lacks %s", leaf, part)
		}
	}
}

// TestWindowsPaceSpending spends a daily cap, meets the next day, and ends at
// the lifetime ceiling, with clocks set back in between.
func TestWindowsPaceSpending(t *testing.T) {
	f := newFixture(t)
	a := privacy.TenantAccount("a")
	lifetime := privacy.Loss{Epsilon: 2, Delta: 3e-6}
	f.set(t, Budget{Cap: small, Window: privacy.WindowDay, Lifetime: &lifetime}, a)
	day, life := privacy.CapOf(small).Mu2, privacy.CapOf(lifetime).Mu2
	r := func(key string, mu2 int64) Request { return ask(key, mu2) }

	f.mustCharge(t, r("today", day))
	_, err := f.Charge(t.Context(), r("today too", units))
	if e := refusal(t, err); !e.ReopensAt.Equal(time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("reopens at %v, want midnight", e.ReopensAt)
	}
	f.clock.advance(24 * time.Hour)
	f.mustCharge(t, r("tomorrow", day))
	f.clock.advance(-24 * time.Hour)
	_, err = f.Charge(t.Context(), r("back today", units))
	if e := refusal(t, err); !e.ReopensAt.Equal(time.Date(2026, 3, 6, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("reopens at %v, want the day after the latest seen", e.ReopensAt)
	}
	f.clock.advance(48 * time.Hour)
	for used := 2 * day; used < life; used += day {
		f.mustCharge(t, r(f.clock.now().String(), min(day, life-used)))
		f.clock.advance(24 * time.Hour)
	}
	_, err = f.Charge(t.Context(), r("for ever", units))
	if e := refusal(t, err); !e.ReopensAt.IsZero() {
		t.Errorf("reopens at %v, want never: the lifetime is over", e.ReopensAt)
	}
	if s := f.state(t, a); s.SpentLifetime.Mu2 != life || s.Remaining.Mu2 != 0 || !s.ReopensAt.IsZero() {
		t.Errorf("state is %+v", s)
	}
	f.audit(t)
}

// TestGoingToAnotherWindowAndBackForgetsNothing tries to refill a day by
// passing through other windows.
func TestGoingToAnotherWindowAndBackForgetsNothing(t *testing.T) {
	f := newFixture(t)
	a := privacy.TenantAccount("a")
	lifetime := privacy.Loss{Epsilon: 10, Delta: 1e-5}
	f.set(t, Budget{Cap: small, Window: privacy.WindowDay, Lifetime: &lifetime}, a)
	day := privacy.CapOf(small).Mu2
	f.mustCharge(t, ask("yesterday", day))
	f.clock.advance(24 * time.Hour)
	f.mustCharge(t, ask("today", day/2))
	for _, w := range []privacy.Window{privacy.WindowMonth, privacy.WindowNone, privacy.WindowWeek, privacy.WindowDay} {
		f.set(t, Budget{Cap: small, Window: w}, a)
		want := day/2 + day // both days lie in one week, and in one month
		if w == privacy.WindowDay {
			want = day / 2
		}
		if got := f.state(t, a).Spent.Mu2; got != want {
			t.Errorf("window %s: spent %d, want %d", w, got, want)
		}
	}
}

func TestTheStoreItselfKeepsWhatWasSpent(t *testing.T) {
	f := newFixture(t)
	f.set(t, Budget{Cap: small}, privacy.TenantAccount("a"))
	c := f.mustCharge(t, ask("q", units))
	if ok, err := f.Acquire(t.Context(), c.ID, "me", time.Minute); !ok || err != nil {
		t.Fatal(ok, err)
	}
	redeem(t, f, c.ID, "rel_1")
	for _, statement := range []string{
		`DELETE FROM accounts`,
		`DELETE FROM charges`,
		`DELETE FROM charge_debits`,
		`UPDATE charge_debits SET mu2 = 0`,
		`UPDATE accounts SET total_mu2 = 0, spent_mu2 = 0`,
		`UPDATE accounts SET life_mu2 = life_mu2 * 2`,
		`UPDATE accounts SET seen = seen - 1`,
		`UPDATE accounts SET name = 'tenant:b'`,
		`UPDATE accounts SET total_mu2 = life_mu2 + 1`,
		`UPDATE charges SET state = 'pending', release = NULL`,
		`UPDATE charges SET release = NULL`,
	} {
		err := f.db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, statement)
			return err
		})
		if err == nil {
			t.Errorf("%s was accepted", statement)
		}
	}
}

func TestDefaultsOpenOptionalAccounts(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	wide := privacy.Loss{Epsilon: 10, Delta: 1e-5}
	f.set(t, Budget{Cap: wide}, privacy.TenantAccount("a"), privacy.TenantAccount("b"))
	if err := f.SetDefault(ctx, privacy.AccountTenantPrincipal, "a", &small, admin); err != nil {
		t.Fatal(err)
	}
	if got, err := f.Default(ctx, privacy.AccountTenantPrincipal, "a"); err != nil || got == nil || *got != small {
		t.Errorf("default is %v, %v", got, err)
	}
	r := ask("q1", privacy.CapOf(small).Mu2)
	r.Tenants = []string{"a", "b"}
	f.mustCharge(t, r)

	theirs := privacy.TenantPrincipalAccount("a", "key_p")
	if s := f.state(t, theirs); s.Spent.Mu2 != r.Cost.Mu2 || s.Lifetime != small || s.Window != privacy.WindowNone {
		t.Errorf("opened as %+v", s)
	}
	if _, err := f.State(ctx, privacy.TenantPrincipalAccount("b", "key_p")); privacy.CodeOf(err) != privacy.CodeNotFound {
		t.Errorf("an account was opened without a default: %v", err)
	}
	r.Key = "q2"
	_, err := f.Charge(ctx, r)
	if e := refusal(t, err); names(e.Accounts) != names([]privacy.Account{theirs}) || !e.ReopensAt.IsZero() {
		t.Errorf("refused by %v, reopening at %v", e.Accounts, e.ReopensAt)
	}
	r.Principal = "key_other"
	f.mustCharge(t, r)

	states, err := f.States(ctx, "a")
	if err != nil || len(states) != 3 {
		t.Fatalf("tenant a has %d accounts (%v), want its own and two per principal", len(states), err)
	}
	if err := f.SetDefault(ctx, privacy.AccountTenantPrincipal, "a", nil, admin); err != nil {
		t.Fatal(err)
	}
	if got, err := f.Default(ctx, privacy.AccountTenantPrincipal, "a"); err != nil || got != nil {
		t.Errorf("default is %v, %v after it was removed", got, err)
	}
	r.Key, r.Principal = "q3", "key_p"
	_, err = f.Charge(ctx, r)
	refusal(t, err) // what is open stays open
	f.audit(t)
}

func TestDefaultsAreChecked(t *testing.T) {
	f := newFixture(t)
	zero := privacy.Loss{}
	for name, err := range map[string]error{
		"invalid-request: a kind without defaults": f.SetDefault(t.Context(), privacy.AccountTenant, "a", &small, admin),
		"invalid-request: no tenant":               f.SetDefault(t.Context(), privacy.AccountTenantDataset, "", &small, admin),
		"privacy-parameters: out of range":         f.SetDefault(t.Context(), privacy.AccountTenantDataset, "a", &zero, admin),
	} {
		if code, _, _ := strings.Cut(name, ":"); string(privacy.CodeOf(err)) != code {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestStatesOfOneTenantOnly(t *testing.T) {
	f := newFixture(t)
	mine := []privacy.Account{privacy.TenantDatasetAccount("a", "d"), privacy.TenantPrincipalAccount("a", "key_p/q"), privacy.TenantAccount("a")}
	f.set(t, Budget{Cap: small}, mine...)
	f.set(t, Budget{Cap: small}, privacy.TenantAccount("a0"), privacy.TenantDatasetAccount("a-b", "d"), privacy.TenantDatasetAccount("aa", "d"),
		privacy.DatasetAccount("a"))
	states, err := f.States(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	var got []privacy.Account
	for _, s := range states {
		got = append(got, s.Account)
	}
	if names(got) != names(mine) {
		t.Errorf("got %v, want %v", got, mine)
	}
}
