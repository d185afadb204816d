package ledger

import (
	"slices"
	"testing"
	"time"

	"github.com/noised/noised/privacy"
)

// TestRenewExtendsALeaseThatIsHeld and nothing else: not a stranger's, not one
// that lapsed, and without counting an attempt.
func TestRenewExtendsALeaseThatIsHeld(t *testing.T) {
	f := newFixture(t)
	f.set(t, Budget{Cap: small}, privacy.TenantAccount("a"))
	r := ask("q", units)
	r.Tenants, r.LeaseOwner, r.LeaseTTL = []string{"a"}, "one", time.Minute
	c := f.mustCharge(t, r)
	takes := func(owner string) bool {
		t.Helper()
		ok, err := f.Acquire(t.Context(), c.ID, owner, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	renew := func(owner string) {
		t.Helper()
		if err := f.Renew(t.Context(), c.ID, owner, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	f.clock.advance(50 * time.Second)
	renew("one")
	f.clock.advance(50 * time.Second)
	renew("two") // does not hold it
	if takes("two") {
		t.Error("a renewed lease was taken")
	}
	f.clock.advance(11 * time.Second)
	renew("one") // lapsed a second ago
	if !takes("two") {
		t.Error("a lease that lapsed was renewed")
	}
	if found, _, err := f.Lookup(t.Context(), "q"); err != nil || found.Attempts != 2 {
		t.Errorf("%d attempts, %v, want 2", found.Attempts, err)
	}
}

// TestWhatWasTriedLeastIsFinishedFirst: a charge under which processes died keeps no
// other waiting.
func TestWhatWasTriedLeastIsFinishedFirst(t *testing.T) {
	f := newFixture(t)
	f.set(t, Budget{Cap: small}, privacy.TenantAccount("a"))
	for _, key := range []string{"first", "second", "third"} {
		r := ask(key, units)
		r.Tenants, r.LeaseOwner, r.LeaseTTL = []string{"a"}, "one", time.Minute
		c := f.mustCharge(t, r)
		if key != "first" {
			continue
		}
		f.clock.advance(time.Hour) // its process died
		if ok, err := f.Acquire(t.Context(), c.ID, "two", time.Minute); !ok || err != nil {
			t.Fatalf("%v, %v", ok, err)
		}
	}
	f.clock.advance(time.Hour)
	pending, err := f.Pending(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, c := range pending {
		order = append(order, c.Key)
	}
	if want := []string{"second", "third", "first"}; !slices.Equal(order, want) {
		t.Errorf("they wait as %v, want %v", order, want)
	}
}

// TestWaitingForATurnIsNoAttempt: a charge whose turn never came is not used up.
func TestWaitingForATurnIsNoAttempt(t *testing.T) {
	f := newFixture(t)
	f.set(t, Budget{Cap: small}, privacy.TenantAccount("a"))
	r := ask("q", units)
	r.Tenants, r.LeaseOwner, r.LeaseTTL = []string{"a"}, "one", time.Minute
	c := f.mustCharge(t, r)
	for range 3 * MaxAttempts {
		if err := f.Yield(t.Context(), c.ID, "one", false); err != nil {
			t.Fatal(err)
		}
		if ok, err := f.Acquire(t.Context(), c.ID, "one", time.Minute); !ok || err != nil {
			t.Fatalf("%v, %v", ok, err)
		}
	}
	if got := f.state(t, privacy.TenantAccount("a")).Spent.Mu2; got != units {
		t.Errorf("spent %d, want one charge", got)
	}
}

func TestLeases(t *testing.T) {
	const now, ttl = 1_000_000, 5 * time.Microsecond
	held := func(attempts int, owner string, until int64) lease {
		return lease{StatePending, attempts, owner, until}
	}
	tests := []struct {
		name   string
		before lease
		owner  string
		after  lease
		ok     bool
	}{
		{"never held", held(0, "", 0), "a", held(1, "a", now+5), true},
		{"held by another", held(1, "b", now+1), "a", held(1, "b", now+1), false},
		{"ran out this instant", held(1, "b", now), "a", held(2, "a", now+5), true},
		{"held by oneself: another attempt", held(1, "a", now+1), "a", held(2, "a", now+5), true},
		{"the last attempt", held(MaxAttempts-1, "b", 0), "a", held(MaxAttempts, "a", now+5), true},
		{"one too many abandons", held(MaxAttempts, "b", now), "a", lease{StateAbandoned, MaxAttempts, "", 0}, false},
		{"the last attempt still runs", held(MaxAttempts, "b", now+1), "a", held(MaxAttempts, "b", now+1), false},
		{"released", lease{StateReleased, 1, "", 0}, "a", lease{StateReleased, 1, "", 0}, false},
		{"abandoned", lease{StateAbandoned, 8, "", 0}, "a", lease{StateAbandoned, 8, "", 0}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			after, ok := tt.before.acquire(tt.owner, now, ttl)
			if after != tt.after || ok != tt.ok {
				t.Errorf("got %+v, %v; want %+v, %v", after, ok, tt.after, tt.ok)
			}
		})
	}
}
