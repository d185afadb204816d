package ledger

import (
	"fmt"
	"testing"
	"time"

	"github.com/noised/noised/privacy"
)

func TestPreviewSaysWhatChargeWouldDo(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	wide := privacy.Loss{Epsilon: 2, Delta: 1e-6}
	f.set(t, Budget{Cap: wide}, privacy.TenantAccount("a"), privacy.DatasetAccount("d"))
	if err := f.SetDefault(ctx, privacy.AccountTenantDataset, "a", &small, admin); err != nil {
		t.Fatal(err)
	}
	r := ask("q", privacy.CapOf(small).Mu2)
	r.DatasetAccount = true
	for round, exhausted := range []bool{false, true} {
		before, err := f.Preview(ctx, r)
		if err != nil || len(before) != 3 {
			t.Fatalf("previews %+v, %v", before, err)
		}
		if n := f.scalar(t, `SELECT count(*) FROM accounts`); n != int64(2+round) {
			t.Errorf("the preview opened an account: %d", n)
		}
		r.Key = fmt.Sprint("q", round)
		_, err = f.Charge(ctx, r)
		if exhausted != (err != nil) {
			t.Fatalf("round %d: %v", round, err)
		}
		for _, p := range before {
			s := f.state(t, p.Account)
			if want := exhausted && p.Account.Kind == privacy.AccountTenantDataset; p.Exhausted != want {
				t.Errorf("round %d: %s exhausted: %v, want %v", round, p.Account, p.Exhausted, want)
			}
			if !exhausted && (p.RemainingAfter != s.Remaining || p.RemainingLossAfter != s.RemainingLoss() || p.Cost != r.Cost) {
				t.Errorf("round %d: %s previewed %+v, became %+v", round, p.Account, p, s)
			}
		}
	}
	r.Tenants = []string{"a", "b"}
	after, err := f.Preview(ctx, r)
	if err != nil || len(after) != 4 || after[0].Account != privacy.TenantAccount("b") || !after[0].Exhausted {
		t.Errorf("a tenant without a budget previews %+v, %v", after, err)
	}
}

func TestHistoryIsPagedNewestFirst(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	a := privacy.TenantAccount("a")
	f.set(t, Budget{Cap: small}, a, privacy.TenantAccount("b"))
	var want []string
	for i := range 7 {
		f.clock.advance(time.Second)
		want = append([]string{f.mustCharge(t, ask(fmt.Sprint("q", i), units)).ID}, want...)
		other := ask(fmt.Sprint("other", i), units)
		other.Tenants = []string{"b"}
		f.mustCharge(t, other)
	}
	redeem(t, f, want[0], "rel_1")
	for _, limit := range []int{0, 1, 3, 7, 8, 1000} {
		var got []string
		cursor := ""
		for {
			items, next, err := f.Charges(ctx, a, cursor, limit)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range items {
				got = append(got, e.Charge)
			}
			if cursor = next; cursor == "" {
				break
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("pages of %d: %v, want %v", limit, got, want)
		}
	}
	items, _, err := f.Charges(ctx, a, "", 1)
	if err != nil {
		t.Fatal(err)
	}
	entry := Entry{Charge: want[0], Release: "rel_1", Principal: "key_p", Dataset: "d", State: StateReleased,
		Loss: ask("", 0).Loss, Cost: privacy.Cost{Mu2: units, Delta: 1}, At: f.clock.now().UTC()}
	if items[0] != entry {
		t.Errorf("got  %+v\nwant %+v", items[0], entry)
	}
	foreign, _, err := f.Charges(ctx, privacy.TenantAccount("b"), "", 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, cursor := range []string{"chg_unheard_of", "0", foreign[0].Charge} {
		if _, _, err := f.Charges(ctx, a, cursor, 1); privacy.CodeOf(err) != privacy.CodeInvalidRequest {
			t.Errorf("cursor %q: %v", cursor, err)
		}
	}
	if _, _, err := f.Charges(ctx, privacy.TenantAccount("nobody"), "", 1); privacy.CodeOf(err) != privacy.CodeNotFound {
		t.Errorf("history of no account: %v", err)
	}
}

// TestQueriesLeftCountsWholeQueries: as many as fit into what window and
// lifetime leave, in both parts, and as a charge then finds it.
func TestQueriesLeftCountsWholeQueries(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	a := privacy.TenantAccount("a")
	lifetime := privacy.Loss{Epsilon: 1.2, Delta: 1e-6}
	f.set(t, Budget{Cap: small, Window: privacy.WindowDay, Lifetime: &lifetime}, a)
	day, life := privacy.CapOf(small), privacy.CapOf(lifetime)
	third := privacy.Cost{Mu2: day.Mu2 / 3, Delta: 1}
	for _, tt := range []struct {
		name string
		cost privacy.Cost
		want int64
	}{
		{"mu² decides", third, 2},
		{"delta decides", privacy.Cost{Mu2: units, Delta: day.Delta / 2}, 1},
		{"nothing of delta", privacy.Cost{Mu2: day.Mu2}, 0},
		{"exhausted", privacy.Cost{Mu2: day.Mu2 + 1}, 0},
	} {
		r := ask("q", tt.cost.Mu2)
		r.Cost = tt.cost
		got, err := f.Preview(ctx, r)
		if err != nil || len(got) != 1 || got[0].QueriesLeft != tt.want {
			t.Errorf("%s: %+v, %v, want %d", tt.name, got, err, tt.want)
		}
	}
	r := ask("", third.Mu2)
	r.Cost = third
	charged := int64(0)
	for left := int64(2); left >= 0; left-- {
		r.Key = fmt.Sprint("day 1, ", left)
		if got, err := f.Preview(ctx, r); err != nil || got[0].QueriesLeft != left {
			t.Errorf("%d left, %v, want %d", got[0].QueriesLeft, err, left)
		}
		f.mustCharge(t, r)
		charged += third.Mu2
	}
	f.clock.advance(24 * time.Hour)
	if got, err := f.Preview(ctx, r); err != nil || got[0].QueriesLeft != (life.Mu2-charged)/third.Mu2-1 {
		t.Errorf("on the next day %d are left, %v: the lifetime leaves %d", got[0].QueriesLeft, err, life.Mu2-charged)
	}
}
