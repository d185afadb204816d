package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger/filter/filtertest"
)

// together makes charges in one transaction and returns their answers.
func (f *fixture) together(t testing.TB, requests ...Request) []*waiting {
	t.Helper()
	batch := make([]*waiting, len(requests))
	for i, r := range requests {
		var err error
		if batch[i], err = f.newWaiting(r); err != nil {
			t.Fatal(err)
		}
	}
	err := f.db.InTx(context.Background(), func(ctx context.Context, tx *sql.Tx) error { return f.chargeAll(ctx, tx, batch) })
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

// drawRequest draws from few tenants, keys and costs, so that charges meet.
func drawRequest(t *rapid.T) Request {
	names := func(label string, from ...string) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(from), 0, len(from), rapid.ID[string]).Draw(t, label)
	}
	r := Request{
		Key:            rapid.SampledFrom(strings.Split("abcdefghijkl", "")).Draw(t, "key"),
		RequestKey:     rapid.SampledFrom([]string{"", "", "r1", "r2", "r3"}).Draw(t, "request key"),
		Principal:      rapid.SampledFrom([]string{"p", "q"}).Draw(t, "principal"),
		Dataset:        rapid.SampledFrom([]string{"d", "e"}).Draw(t, "dataset"),
		Tenants:        names("tenants", "a", "b", "c"),
		DatasetAccount: rapid.Bool().Draw(t, "dataset account"),
		Group:          rapid.SampledFrom([]string{"", "g"}).Draw(t, "group"),
		Periods:        names("periods", "2024-01-01", "2024-02-01", "other"),
		Loss:           small,
		Cost: privacy.Cost{
			Mu2:   rapid.Int64Range(units, privacy.CapOf(small).Mu2/2).Draw(t, "mu2"),
			Delta: rapid.Int64Range(0, 3).Draw(t, "delta"),
		},
		LeaseOwner: rapid.SampledFrom([]string{"", "worker"}).Draw(t, "owner"),
		LeaseTTL:   time.Minute,
	}
	if len(r.Tenants) == 0 {
		r.DatasetAccount = true
	}
	r.Payload = []byte(fmt.Sprintf("%+v", r))
	return r
}

// answer is what a client sees, without what is drawn at random.
func answer(c Charge, err error, ids map[string]string) string {
	if err != nil {
		return fmt.Sprintf("%v %+v", err, privacy.AsError(err).Cause)
	}
	if ids[c.ID] == "" {
		ids[c.ID] = fmt.Sprint("charge ", len(ids))
	}
	c.ID = ids[c.ID]
	return fmt.Sprintf("%+v", c)
}

// dump returns what is stored, without what is drawn at random.
func (f *fixture) dump(t testing.TB) string {
	t.Helper()
	var out strings.Builder
	for _, query := range []string{
		`SELECT id || name || window || cap_mu2 || ' ' || life_mu2 || ' ' || spent_mu2 || ' ' || spent_delta_units || ' ' || total_mu2 || ' ' || total_delta_units || ' ' || seen
			FROM accounts ORDER BY id`,
		`SELECT seq || key || principal || dataset || tenants || ' ' || mu2 || ' ' || delta_units || payload || state || attempts || lease_owner || lease_until || ' ' || leaf || ' ' || at
			FROM charges ORDER BY seq`,
		`SELECT charge || ' ' || part || ' ' || seen || ' ' || mu2 || ' ' || delta_units || accounts FROM charge_debits ORDER BY charge, part`,
		`SELECT principal || request_key || charge || payload FROM charge_requests ORDER BY principal, request_key`,
		`SELECT idx || json_remove(CAST(leaf AS TEXT), '$.salt', '$.body.charge', '$.body.commitment', '$.body.root') FROM log_leaves ORDER BY idx`,
	} {
		rows, err := f.db.QueryContext(context.Background(), query)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintln(&out, line)
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

// TestBatchesEqualChargingOneByOne: whoever shares the transaction, every charge
// is answered, and everything stored, as if each had come alone.
func TestBatchesEqualChargingOneByOne(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		alone, shared := newFixture(t), newFixture(t)
		defer func() { _, _ = alone.db.Close(), shared.db.Close() }()
		accounts := []privacy.Account{
			privacy.TenantAccount("a"), privacy.TenantAccount("b"), privacy.DatasetAccount("d"), privacy.DatasetAccount("e"),
			privacy.TenantDatasetAccount("a", "d"), privacy.TenantPrincipalAccount("b", "p"), privacy.TenantGroupAccount("a", "g"),
		}
		window := rapid.SampledFrom(filtertest.Windows()).Draw(rt, "window")
		set := rapid.SliceOfNDistinct(rapid.SampledFrom(accounts), 1, len(accounts), rapid.ID[privacy.Account]).Draw(rt, "accounts")
		byDefault := rapid.SliceOfNDistinct(rapid.SampledFrom(defaultKinds()), 0, 3, rapid.ID[privacy.AccountKind]).Draw(rt, "defaults")
		for _, f := range []*fixture{alone, shared} {
			f.set(t, Budget{Cap: small, Window: window, Lifetime: &privacy.Loss{Epsilon: 2, Delta: 2e-6}}, set...)
			for _, kind := range byDefault {
				if err := f.SetDefault(t.Context(), kind, "a", &small, admin); err != nil {
					t.Fatal(err)
				}
			}
		}
		aloneIDs, sharedIDs := map[string]string{}, map[string]string{}
		for range rapid.IntRange(1, 4).Draw(rt, "batches") {
			now := filtertest.DrawClock(rt, alone.clock.micros.Load())
			alone.clock.set(now)
			shared.clock.set(now)
			requests := rapid.SliceOfN(rapid.Custom(drawRequest), 1, 12).Draw(rt, "requests")
			batch := shared.together(t, requests...)
			for i, r := range requests {
				c, err := alone.Charge(t.Context(), r)
				got, want := answer(batch[i].charge, batch[i].err, sharedIDs), answer(c, err, aloneIDs)
				if got != want {
					rt.Fatalf("charge %d was answered\n%s\nalone it is\n%s", i, got, want)
				}
			}
			if got, want := shared.dump(t), alone.dump(t); got != want {
				rt.Fatalf("stored\n%s\nalone\n%s", got, want)
			}
		}
		shared.audit(t)
	})
}

// TestARefusalLeavesItsNeighboursAlone: in one transaction, what is refused
// neither charges nor fails what is admitted before and after it.
func TestARefusalLeavesItsNeighboursAlone(t *testing.T) {
	f := newFixture(t)
	f.set(t, Budget{Cap: small}, privacy.TenantAccount("a"), privacy.TenantAccount("b"))
	half := privacy.CapOf(small).Mu2/2 + 1
	of := func(key string, mu2 int64, tenants ...string) Request {
		r := ask(key, mu2)
		r.Tenants = tenants
		return r
	}
	batch := f.together(t,
		of("first", half, "a"),
		of("too much", half, "a", "b"), // a refuses, and b must not pay
		of("b's", half, "b"),
		of("first", half, "b"), // finds the first, whatever it names
		of("no budget", units, "c"),
		of("what is left", units, "a"),
		of("no budget, either", units, "c", "0"),
	)
	wants := []string{"", "[tenant:a]", "", "", "[tenant:c]", "", "[tenant:0 tenant:c]"}
	for i, want := range wants {
		if want == "" && batch[i].err != nil {
			t.Errorf("charge %d: %v", i, batch[i].err)
		}
		if want != "" && names(refusal(t, batch[i].err).Accounts) != want {
			t.Errorf("charge %d was refused by %v, want %s", i, refusal(t, batch[i].err).Accounts, want)
		}
	}
	if batch[3].charge.ID != batch[0].charge.ID || !batch[3].charge.Existing || batch[0].charge.Existing {
		t.Errorf("one key got %+v and %+v", batch[0].charge, batch[3].charge)
	}
	for tenant, want := range map[string]int64{"a": half + units, "b": half} {
		if got := f.state(t, privacy.TenantAccount(tenant)).Spent.Mu2; got != want {
			t.Errorf("%s spent %d, want %d", tenant, got, want)
		}
	}
	if n := f.scalar(t, `SELECT count(*) FROM charges`); n != 3 {
		t.Errorf("%d charges are stored, want 3", n)
	}
	f.audit(t)
}

// TestWhatARefusalWouldHaveOpenedIsFoundAgain: an account that a refused charge
// would have opened is opened by the next, and is one account for whoever asks
// again, alike or not.
func TestWhatARefusalWouldHaveOpenedIsFoundAgain(t *testing.T) {
	f := newFixture(t)
	f.set(t, Budget{Cap: small}, privacy.TenantAccount("a"), privacy.DatasetAccount("d"))
	whole := privacy.CapOf(small).Mu2
	batch := f.together(t,
		periodic("too much", whole+1, "2024-03-01", "2024-04-01"),
		periodic("spring", units, "2024-03-01"),
		periodic("both", units, "2024-03-01", "2024-04-01"),
		periodic("too much again", whole, "2024-03-01", "2024-04-01"),
	)
	for i, refused := range []bool{true, false, false, true} {
		if (batch[i].err != nil) != refused {
			t.Errorf("charge %d: %v", i, batch[i].err)
		}
	}
	march := []privacy.Account{privacy.DatasetPeriodAccount("d", "2024-03-01"), period("2024-03-01")}
	if why := refusal(t, batch[3].err); names(why.Accounts[:1]) != names(march[:1]) || len(why.Accounts) != 4 {
		t.Errorf("refused by %v", why.Accounts)
	}
	for _, a := range march {
		if s := f.state(t, a); s.Spent.Mu2 != 2*units {
			t.Errorf("%s spent %d, want two charges", a, s.Spent.Mu2)
		}
	}
	f.audit(t)
}
