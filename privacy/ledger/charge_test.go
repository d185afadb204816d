package ledger

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/translog"
)

func TestAChargeDebitsEveryAccountItTouches(t *testing.T) {
	f := newFixture(t)
	touched := []privacy.Account{
		privacy.TenantAccount("a"), privacy.TenantAccount("b"), privacy.DatasetAccount("d"),
		privacy.TenantDatasetAccount("b", "d"), privacy.TenantPrincipalAccount("a", "key_p"),
	}
	spared := []privacy.Account{
		privacy.TenantAccount("c"), privacy.DatasetAccount("e"), privacy.TenantDatasetAccount("a", "e"), privacy.TenantPrincipalAccount("a", "key_q"),
	}
	f.set(t, Budget{Cap: small}, touched...)
	f.set(t, Budget{Cap: small}, spared...)
	r := ask("q", 3*units)
	r.Tenants, r.DatasetAccount, r.Cost.Delta = []string{"b", "a", "b"}, true, 7 // b is named twice and pays once
	c := f.mustCharge(t, r)

	for _, a := range touched {
		if s := f.state(t, a); s.Spent != r.Cost || s.SpentLifetime != r.Cost {
			t.Errorf("%s spent %+v, want %+v", a, s.Spent, r.Cost)
		}
	}
	for _, a := range spared {
		if s := f.state(t, a); s.Spent != (privacy.Cost{}) {
			t.Errorf("%s spent %+v, want nothing", a, s.Spent)
		}
	}
	want := Charge{
		ID: c.ID, Key: "q", State: StatePending, Principal: "key_p", Dataset: "d", Tenants: []string{"a", "b"},
		Loss: r.Loss, Cost: r.Cost, Payload: r.Payload, At: f.clock.now().UTC(),
	}
	if fmt.Sprintf("%+v", c) != fmt.Sprintf("%+v", want) || !strings.HasPrefix(c.ID, "chg_") {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
	want.Existing = true
	if found, ok, err := f.Lookup(t.Context(), "q"); !ok || err != nil || fmt.Sprintf("%+v", found) != fmt.Sprintf("%+v", want) {
		t.Errorf("found %+v, %v, %v\nwant  %+v", found, ok, err, want)
	}
	f.audit(t)
}

func TestARefusedChargeLeavesNoTrace(t *testing.T) {
	small2 := privacy.Loss{Epsilon: 2, Delta: 1e-6}
	cost := privacy.CapOf(small).Mu2 + 1 // one unit too much for small
	r := ask("q", cost)
	r.Tenants, r.DatasetAccount = []string{"a", "b"}, true
	a, b, d := privacy.TenantAccount("a"), privacy.TenantAccount("b"), privacy.DatasetAccount("d")
	tests := []struct {
		name    string
		budgets map[privacy.Account]privacy.Loss
		want    []privacy.Account
	}{
		{"a tenant is exhausted", map[privacy.Account]privacy.Loss{a: small2, b: small, d: small2}, []privacy.Account{b}},
		{"the dataset is exhausted", map[privacy.Account]privacy.Loss{a: small2, b: small2, d: small}, []privacy.Account{d}},
		{"several are, by name", map[privacy.Account]privacy.Loss{a: small2, b: small, d: small}, []privacy.Account{d, b}},
		{"a tenant never set a budget", map[privacy.Account]privacy.Loss{a: small2, d: small2}, []privacy.Account{b}},
		{"the dataset has no budget", map[privacy.Account]privacy.Loss{a: small2, b: small2}, []privacy.Account{d}},
		{"an optional account is exhausted", map[privacy.Account]privacy.Loss{a: small2, b: small2, d: small2, privacy.TenantDatasetAccount("a", "d"): small},
			[]privacy.Account{privacy.TenantDatasetAccount("a", "d")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			for account, limit := range tt.budgets {
				f.set(t, Budget{Cap: limit}, account)
			}
			size, root, err := translog.Head(t.Context(), f.db)
			if err != nil {
				t.Fatal(err)
			}
			_, err = f.Charge(t.Context(), r)
			if e := refusal(t, err); names(e.Accounts) != names(tt.want) {
				t.Errorf("refused by %v, want %v", e.Accounts, tt.want)
			}
			if msg := privacy.AsError(err).Message; strings.Contains(msg, "tenant") || strings.Contains(msg, ":") {
				t.Errorf("the message that all may see is %q", msg)
			}
			if n, r, err := translog.Head(t.Context(), f.db); n != size || r != root || err != nil {
				t.Error("the log changed")
			}
			if n := f.scalar(t, `SELECT (SELECT count(*) FROM charges) + (SELECT count(*) FROM charge_debits) + (SELECT coalesce(sum(total_mu2), 0) FROM accounts)`); n != 0 {
				t.Error("something was stored")
			}
		})
	}
}

func TestChargesOutOfRangeAreRefused(t *testing.T) {
	f := newFixture(t)
	f.set(t, Budget{Cap: small}, privacy.TenantAccount("a"))
	tests := []struct {
		name   string
		change func(*Request)
		want   privacy.Code
	}{
		{"less than one run costs", func(r *Request) { r.Cost.Mu2 = units - 1 }, privacy.CodePrivacyParameters},
		{"negative delta", func(r *Request) { r.Cost.Delta = -1 }, privacy.CodePrivacyParameters},
		{"negative mu²", func(r *Request) { r.Cost.Mu2 = -units }, privacy.CodePrivacyParameters},
		{"no key", func(r *Request) { r.Key = "" }, privacy.CodeInternal},
		{"no principal", func(r *Request) { r.Principal = "" }, privacy.CodeInternal},
		{"no dataset", func(r *Request) { r.Dataset = "" }, privacy.CodeInternal},
		{"no account", func(r *Request) { r.Tenants = nil }, privacy.CodeInternal},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := ask("q", units)
			tt.change(&r)
			if _, err := f.Charge(t.Context(), r); privacy.CodeOf(err) != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

// TestAKeyIsPaidOnce: while a charge lives, whoever asks for its release finds
// it.
func TestAKeyIsPaidOnce(t *testing.T) {
	f := newFixture(t)
	f.set(t, Budget{Cap: small}, privacy.TenantAccount("a"))
	first := f.mustCharge(t, ask("q", units))
	again := ask("q", units)
	again.Principal = "key_other"
	for _, state := range []string{StatePending, StateReleased} {
		c := f.mustCharge(t, again)
		if c.ID != first.ID || !c.Existing || c.State != state {
			t.Errorf("%s: got %+v", state, c)
		}
		if state == StatePending {
			redeem(t, f, first.ID, "rel_1")
		}
	}
	if got := f.state(t, privacy.TenantAccount("a")).Spent.Mu2; got != units {
		t.Errorf("spent %d, want %d", got, units)
	}
}

// TestARequestKeyFindsItsCharge even when the data, and with it the key, has
// changed since.
func TestARequestKeyFindsItsCharge(t *testing.T) {
	f := newFixture(t)
	f.set(t, Budget{Cap: small}, privacy.TenantAccount("a"))
	request := func(key, requestKey, principal string) Request {
		r := ask(key, units)
		r.RequestKey, r.Principal, r.Payload = requestKey, principal, []byte(key+requestKey+principal)
		return r
	}
	old := f.mustCharge(t, request("old", "retry-1", "p"))
	if c := f.mustCharge(t, request("new", "retry-1", "p")); c.ID != old.ID || !c.Existing {
		t.Errorf("the retry after new data got %+v", c)
	}
	if c := f.mustCharge(t, request("old", "retry-2", "p")); c.ID != old.ID || !c.Existing || string(c.Payload) != "oldretry-2p" {
		t.Errorf("the same query under another request key got %+v", c)
	}
	c := f.mustCharge(t, request("new", "retry-2", "p"))
	if c.ID != old.ID || string(c.Payload) != "oldretry-2p" {
		t.Errorf("a request key that found a charge must keep finding it: %+v", c)
	}
	if c := f.mustCharge(t, request("new", "retry-1", "other")); c.ID == old.ID || c.Existing {
		t.Errorf("another principal's request key found %+v", c)
	}
	found, ok, err := f.LookupRequest(t.Context(), "p", "retry-1")
	if err != nil || !ok || found.ID != old.ID || string(found.Payload) != "oldretry-1p" {
		t.Errorf("LookupRequest found %+v, %v, %v", found, ok, err)
	}
	if _, ok, err := f.LookupRequest(t.Context(), "p", "unheard of"); ok || err != nil {
		t.Errorf("LookupRequest found something: %v", err)
	}
	if got := f.state(t, privacy.TenantAccount("a")).Spent.Mu2; got != 2*units {
		t.Errorf("spent %d, want %d", got, 2*units)
	}
}

func redeem(t testing.TB, f *fixture, charge, release string) {
	t.Helper()
	err := f.db.InTx(context.Background(), func(ctx context.Context, tx *sql.Tx) error {
		return f.Redeem(ctx, tx, charge, release)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAChargeIsRedeemedOnce(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	f.set(t, Budget{Cap: small}, privacy.TenantAccount("a"))
	c := f.mustCharge(t, ask("q", units))
	crash := errors.New("crash")
	err := f.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return errors.Join(f.Redeem(ctx, tx, c.ID, "rel_lost"), crash)
	})
	if !errors.Is(err, crash) {
		t.Fatal(err)
	}
	if found, _, _ := f.Lookup(ctx, "q"); found.State != StatePending || found.Release != "" {
		t.Errorf("a redemption that was rolled back left %+v", found)
	}
	redeem(t, f, c.ID, "rel_1")
	for id, want := range map[string]privacy.Code{c.ID: privacy.CodeConflict, "chg_unheard_of": privacy.CodeNotFound} {
		err := f.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error { return f.Redeem(ctx, tx, id, "rel_2") })
		if privacy.CodeOf(err) != want {
			t.Errorf("redeeming %s: %v, want %s", id, err, want)
		}
	}
	if found, _, _ := f.Lookup(ctx, "q"); found.State != StateReleased || found.Release != "rel_1" {
		t.Errorf("found %+v", found)
	}
	if ok, err := f.Acquire(ctx, c.ID, "me", time.Minute); ok || err != nil {
		t.Errorf("a released charge was leased: %v, %v", ok, err)
	}
}

// TestAttemptsEndInAbandonment walks a charge whose every run fails through its
// leases: free only when they ran out or were yielded, and never refunded.
func TestAttemptsEndInAbandonment(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	f.set(t, Budget{Cap: small}, privacy.TenantAccount("a"))
	r := ask("q", units)
	r.LeaseOwner, r.LeaseTTL, r.RequestKey = "worker-1", time.Minute, "retry"
	c := f.mustCharge(t, r)
	if c.Attempts != 1 {
		t.Errorf("a charge that begins leased counts %d attempts, want 1", c.Attempts)
	}
	pending := func(want int) {
		t.Helper()
		got, err := f.Pending(ctx)
		if err != nil || len(got) != want {
			t.Errorf("%d charges wait (%v), want %d", len(got), err, want)
		}
	}
	for attempt := 2; attempt <= MaxAttempts; attempt++ {
		pending(0)
		if ok, err := f.Acquire(ctx, c.ID, "worker-2", time.Minute); ok || err != nil {
			t.Fatalf("attempt %d took a running lease: %v", attempt, err)
		}
		if attempt%2 == 0 {
			f.clock.advance(time.Minute)
		} else if err := f.Yield(ctx, c.ID, "worker-1", true); err != nil {
			t.Fatal(err)
		}
		pending(1)
		if ok, err := f.Acquire(ctx, c.ID, "worker-1", time.Minute); !ok || err != nil {
			t.Fatalf("attempt %d: %v, %v", attempt, ok, err)
		}
	}
	f.clock.advance(time.Hour)
	pending(1)
	if ok, err := f.Acquire(ctx, c.ID, "worker-3", time.Minute); ok || err != nil {
		t.Errorf("one attempt too many: %v, %v", ok, err)
	}
	pending(0)
	if found, ok, err := f.LookupRequest(ctx, "key_p", "retry"); err != nil || !ok || found.State != StateAbandoned {
		t.Errorf("found %+v, %v, %v", found, ok, err)
	}
	if _, ok, err := f.Lookup(ctx, "q"); ok || err != nil {
		t.Errorf("an abandoned charge still holds its key (%v)", err)
	}
	r.RequestKey = "another try"
	if again := f.mustCharge(t, r); again.Existing || again.ID == c.ID {
		t.Errorf("got %+v, want a new charge", again)
	}
	if got := f.state(t, privacy.TenantAccount("a")).Spent.Mu2; got != 2*units {
		t.Errorf("spent %d, want both charges", got)
	}
	if _, err := f.Acquire(ctx, "chg_unheard_of", "w", time.Minute); privacy.CodeOf(err) != privacy.CodeNotFound {
		t.Errorf("acquiring nothing: %v", err)
	}
}

// TestTheLeafCommitsToTheKeyAndShowsNothing: the log is shown to others.
func TestTheLeafCommitsToTheKeyAndShowsNothing(t *testing.T) {
	f := newFixture(t)
	f.set(t, Budget{Cap: small}, privacy.TenantAccount("a"))
	r := ask("digest-of-a-query", units)
	r.RequestKey = "secret-retry"
	c := f.mustCharge(t, r)
	data, err := translog.Entry(t.Context(), f.db, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, private := range []string{"digest-of-a-query", "payload", "secret-retry", hex.EncodeToString([]byte("digest")), "tenant:a", `"` + r.Principal, `:"` + r.Dataset + `"`} {
		if strings.Contains(string(data), private) {
			t.Errorf("leaf %s shows %q", data, private)
		}
	}
	var leaf struct {
		Kind string `json:"kind"`
		Body struct {
			Charge     string       `json:"charge"`
			Cost       privacy.Cost `json:"cost"`
			Commitment string       `json:"commitment"`
			Parties    int          `json:"parties"`
			Root       string       `json:"root"`
		} `json:"body"`
	}
	if err := json.Unmarshal(data, &leaf); err != nil {
		t.Fatal(err)
	}
	if leaf.Kind != "charge" || leaf.Body.Charge != c.ID || leaf.Body.Cost != r.Cost {
		t.Errorf("leaf is %s", data)
	}
	var nonce []byte
	err = f.db.QueryRowContext(t.Context(), `SELECT nonce FROM charges WHERE id = ? AND leaf = 1`, c.ID).Scan(&nonce)
	if err != nil {
		t.Fatal(err)
	}
	parts := translog.Nonce(nonce).Parts()
	detail, err := json.Marshal(map[string]any{"dataset": r.Dataset, "delta": fmt.Sprint(r.Loss.Delta), "epsilon": fmt.Sprint(r.Loss.Epsilon),
		"key": r.Key, "principal": r.Principal, "tenants": r.Tenants})
	if err != nil {
		t.Fatal(err)
	}
	if got := parts("charge").Commit(detail); got != leaf.Body.Commitment {
		t.Errorf("the nonce opens %s, the leaf has %s", got, leaf.Body.Commitment)
	}
	own := translog.Nonce(nonce).Places(1)[0]
	root := tlog.RecordHash(append(own[:], `["tenant:a"]`...)) // of a tree with one leaf
	if got := hex.EncodeToString(root[:]); leaf.Body.Parties != 1 || leaf.Body.Root != got {
		t.Errorf("the nonce opens %s, the leaf has %s of %d parties", got, leaf.Body.Root, leaf.Body.Parties)
	}
}

func TestAClientThatHangsUpBeforehandIsNotCharged(t *testing.T) {
	f := newFixture(t)
	f.set(t, Budget{Cap: small}, privacy.TenantAccount("a"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Charge(ctx, ask("q", units)); privacy.CodeOf(err) != privacy.CodeUnavailable {
		t.Errorf("got %v, want unavailable", err)
	}
	if s := f.state(t, privacy.TenantAccount("a")); s.Spent.Mu2 != 0 {
		t.Errorf("spent %+v", s.Spent)
	}
}

// TestAClosedStoreFailsClosed: every call reports the failure and none invents
// an answer.
func TestAClosedStoreFailsClosed(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	a := privacy.TenantAccount("a")
	if err := f.db.Close(); err != nil {
		t.Fatal(err)
	}
	_, chargeErr := f.Charge(ctx, ask("q", units))
	_, stateErr := f.State(ctx, a)
	_, statesErr := f.States(ctx, "a")
	_, defaultErr := f.Default(ctx, privacy.AccountTenantDataset, "a")
	_, _, lookupErr := f.Lookup(ctx, "q")
	_, pendingErr := f.Pending(ctx)
	_, _, historyErr := f.Charges(ctx, a, "", 0)
	_, previewErr := f.Preview(ctx, ask("q", units))
	_, acquireErr := f.Acquire(ctx, "chg", "w", time.Second)
	for name, err := range map[string]error{
		"Charge": chargeErr, "State": stateErr, "States": statesErr, "Default": defaultErr, "Lookup": lookupErr, "Pending": pendingErr,
		"Charges": historyErr, "Preview": previewErr, "Acquire": acquireErr, "Yield": f.Yield(ctx, "chg", "w", true),
		"SetBudget": f.SetBudget(ctx, a, Budget{Cap: small}, admin), "SetDefault": f.SetDefault(ctx, privacy.AccountTenantDataset, "a", nil, admin),
	} {
		if code := privacy.CodeOf(err); code != privacy.CodeInternal && code != privacy.CodeUnavailable {
			t.Errorf("%s on a closed store: %v", name, err)
		}
	}
}
