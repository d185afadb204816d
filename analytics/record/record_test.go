package record_test

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/record"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/ledger"
	"github.com/noised/noised/privacy/translog"
	"github.com/noised/noised/privacy/translog/receipt"
)

var (
	operator = privacy.Principal{ID: "key_operator", Role: privacy.RoleOperator}
	payer    = privacy.Principal{ID: "key_payer", Role: privacy.RoleAnalyst}
	reader   = privacy.Principal{ID: "key_reader", Role: privacy.RoleAnalyst}
	stranger = privacy.Principal{ID: "key_stranger", Role: privacy.RoleAnalyst}
)

func admin(tenant string) privacy.Principal {
	return privacy.Principal{ID: "key_" + tenant, Role: privacy.RoleBudgetAdmin, Tenant: tenant}
}

// world has a release of the rows of a and b, which payer paid for and reader was
// shown as well; c is not concerned.
type world struct {
	*record.Service
	t       *testing.T
	db      *controldb.DB
	catalog *catalog.Catalog
	ledger  *ledger.Ledger
	key     note.Verifier
	release string
	at      time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db, err := controldb.Open(t.Context(), filepath.Join(t.TempDir(), "control.db"))
	ok(t, err)
	t.Cleanup(func() { _ = db.Close() })
	file, verifier, err := translog.NewKey("test")
	ok(t, err)
	key, err := translog.ParseKey(file)
	ok(t, err)
	w := &world{t: t, db: db, at: time.Date(2026, 3, 4, 9, 0, 0, 0, time.UTC), release: privacy.NewID("rel")}
	w.key, err = translog.ParseVerifier(verifier)
	ok(t, err)
	releases := release.New(db)
	w.Service, w.catalog, w.ledger = record.New(db, releases, key), catalog.New(db, w.now), ledger.New(db, w.now)
	for _, name := range []string{"a", "b", "c"} {
		_, err := w.catalog.CreateTenant(t.Context(), name, "", operator)
		ok(t, err)
		ok(t, w.ledger.SetBudget(t.Context(), privacy.TenantAccount(name), ledger.Budget{Cap: privacy.Loss{Epsilon: 5, Delta: 1e-6}}, admin(name)))
	}
	ok(t, w.ledger.SetDefault(t.Context(), privacy.AccountTenantPrincipal, "b", &privacy.Loss{Epsilon: 2, Delta: 1e-6}, admin("b")))
	r := ledger.Request{Key: "asked", Principal: payer.ID, Dataset: "visits", Tenants: []string{"a", "b"}, Loss: privacy.Loss{Epsilon: 0.5}, Cost: privacy.Cost{Mu2: privacy.MinRunMu2}}
	c, err := w.ledger.Charge(t.Context(), r)
	ok(t, err)
	ok(t, db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		if err := w.ledger.Redeem(ctx, tx, c.ID, w.release); err != nil {
			return err
		}
		if err := releases.Put(ctx, tx, release.Core{Key: "asked", Charge: c.ID, Noised: []byte("noised"), Release: release.Release{
			ID: w.release, Dataset: "visits", ContractVersion: 1, Epsilon: 0.5, Purpose: "planning", CreatedAt: w.now(),
		}}); err != nil {
			return err
		}
		for _, p := range []privacy.Principal{payer, reader} {
			if _, err := releases.Serve(ctx, tx, release.View{Release: w.release, Principal: p.ID, SQL: "SELECT", Result: []byte("r")}); err != nil {
				return err
			}
		}
		r.Principal = reader.ID
		return w.ledger.Join(ctx, tx, r)
	}))
	return w
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) now() time.Time {
	w.at = w.at.Add(time.Second)
	return w.at
}

// proves returns what a principal's receipt proves.
func (w *world) proves(p privacy.Principal) receipt.Claims {
	w.t.Helper()
	r, err := w.Receipt(w.t.Context(), p, w.release)
	ok(w.t, err)
	text, err := json.Marshal(r)
	ok(w.t, err)
	c, err := receipt.Verify(text, w.key)
	ok(w.t, err)
	return c
}

// TestReceiptsOpenWhatIsOnesOwn: everybody's verifies, and shows what that one may
// know.
func TestReceiptsOpenWhatIsOnesOwn(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct {
		name    string
		who     privacy.Principal
		debited string
		details bool // who asked whom what
		result  bool
		purpose string
	}{
		{"whoever paid", payer, "tenant:a tenant-principal:b/key_payer tenant:b", true, true, "planning"},
		{"another reader", reader, "", false, true, ""},
		{"a tenant", admin("a"), "tenant:a", false, false, ""},
		{"another tenant", admin("b"), "tenant-principal:b/key_payer tenant:b", false, false, ""},
		{"an auditor of none", privacy.Principal{ID: "key_auditor", Role: privacy.RoleAuditor}, "tenant:a tenant-principal:b/key_payer tenant:b", true, false, "planning"},
	} {
		c := w.proves(tt.who)
		if got := strings.Join(c.Debited, " "); got != tt.debited || (c.For != nil) != tt.details || (c.Result != nil) != tt.result || c.Purpose != tt.purpose {
			t.Errorf("%s is shown %+v", tt.name, c)
		}
		if c.Release != w.release || c.Dataset != "visits" || c.Cost.Mu2 != privacy.MinRunMu2 || c.Parties != 2 {
			t.Errorf("%s: it proves %+v", tt.name, c)
		}
	}
	for name, p := range map[string]privacy.Principal{
		"an analyst who was not served it": stranger, "a tenant that is not concerned": admin("c"), "an analyst of a tenant that paid": {ID: "key_x", Role: privacy.RoleAnalyst, Tenant: "a"},
	} {
		if _, err := w.Receipt(t.Context(), p, w.release); privacy.CodeOf(err) != privacy.CodeNotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.Receipt(t.Context(), payer, "rel_none"); privacy.CodeOf(err) != privacy.CodeNotFound {
		t.Errorf("no release: %v", err)
	}
}

// TestAPathNamesNobodyElse: a tenant of many is shown its own place, and hashes that
// no name of another opens without that one's nonce.
func TestAPathNamesNobodyElse(t *testing.T) {
	w := newWorld(t)
	var tenants []string
	for i := range 20 {
		name := fmt.Sprint("dept", i)
		tenants = append(tenants, name)
		_, err := w.catalog.CreateTenant(t.Context(), name, "", operator)
		ok(t, err)
		ok(t, w.ledger.SetBudget(t.Context(), privacy.TenantAccount(name), ledger.Budget{Cap: privacy.Loss{Epsilon: 5, Delta: 1e-6}}, admin(name)))
	}
	slices.Sort(tenants)
	_, err := w.ledger.Charge(t.Context(), ledger.Request{Key: "of all", Principal: payer.ID, Dataset: "visits", Tenants: tenants, Cost: privacy.Cost{Mu2: privacy.MinRunMu2}})
	ok(t, err)
	seen := map[tlog.Hash]bool{}
	for i, name := range tenants {
		e := w.entries(admin(name))[0]
		if e.Kind != translog.KindCharge || len(e.Opened) != 1 || e.Opened[0].Text != `["tenant:`+name+`"]` || *e.Opened[0].Place != int64(i) || len(e.Opened[0].Path) > 5 {
			t.Fatalf("%s is shown %+v", name, e)
		}
		nonce, err := hex.DecodeString(e.Opened[0].Nonce)
		ok(t, err)
		for _, h := range e.Opened[0].Path {
			seen[h] = true
		}
		for _, other := range tenants {
			text := `["tenant:` + other + `"]`
			parts := translog.Nonce(nonce).Parts()("debit:tenant:" + other)
			for _, guess := range [][]byte{[]byte(text), append(slices.Clone(nonce), text...), append(make([]byte, 32), text...), append(parts[:], text...)} {
				if other != name && slices.Contains(e.Opened[0].Path, tlog.RecordHash(guess)) {
					t.Errorf("%s can tell that %s paid", name, other)
				}
			}
		}
	}
	if len(seen) < 20 {
		t.Errorf("there are %d hashes on the paths of all", len(seen))
	}
	all := w.entries(operator)[0]
	if len(all.Opened) != 21 {
		t.Errorf("the operator is shown %d parts", len(all.Opened))
	}
}

// entries are all that a principal may see of the log, in pages of two.
func (w *world) entries(p privacy.Principal) (all []record.Entry) {
	w.t.Helper()
	for cursor := ""; ; {
		items, next, err := w.List(w.t.Context(), p, cursor, 2)
		ok(w.t, err)
		all = append(all, items...)
		if cursor = next; cursor == "" {
			return all
		}
	}
}

func TestTenantsSeeTheirOwnEntries(t *testing.T) {
	w := newWorld(t)
	kinds := func(tenant string) (out []string) {
		for _, e := range w.entries(admin(tenant)) {
			out = append(out, e.Kind)
			text := e.Leaf
			for _, o := range e.Opened {
				text += o.Text
			}
			if e.Hash != tlog.RecordHash([]byte(e.Leaf)) {
				t.Errorf("the hash of entry %d is not that of its leaf", e.Index)
			}
			for _, other := range []string{"a", "b", "c"} {
				if other != tenant && strings.Contains(text, `:`+other+`"`) || other != tenant && strings.Contains(text, `"tenant":"`+other+`"`) {
					t.Errorf("%s sees of %s: %s", tenant, other, text)
				}
			}
		}
		return out
	}
	for tenant, want := range map[string][]string{
		"a": {"release", "charge", "budget", "tenant"},
		"b": {"join", "budget", "release", "charge", "budget", "budget", "budget", "tenant"},
		"c": {"budget", "tenant"},
	} {
		if got := kinds(tenant); !slices.Equal(got, want) {
			t.Errorf("%s sees %v, want %v", tenant, got, want)
		}
	}
	size, err := translog.Size(t.Context(), w.db)
	ok(t, err)
	if n := len(w.entries(operator)); int64(n) != size {
		t.Errorf("the operator sees %d of %d entries", n, size)
	}
	if n := len(w.entries(payer)); n != 0 {
		t.Errorf("an analyst sees %d entries", n)
	}
	if _, _, err := w.List(t.Context(), operator, "x", 2); privacy.CodeOf(err) != privacy.CodeInvalidRequest {
		t.Errorf("a made-up cursor: %v", err)
	}
}

// TestANameTakenAgainSeesNothingOfBefore: a tenant that got the name of another one.
func TestANameTakenAgainSeesNothingOfBefore(t *testing.T) {
	w := newWorld(t)
	ok(t, w.catalog.DeleteTenant(t.Context(), "a", operator))
	_, err := w.catalog.CreateTenant(t.Context(), "a", "", operator)
	ok(t, err)
	if got := w.entries(admin("a")); len(got) != 1 || got[0].Kind != translog.KindTenant {
		t.Errorf("it sees %+v", got)
	}
	if _, err := w.Receipt(t.Context(), admin("a"), w.release); privacy.CodeOf(err) != privacy.CodeNotFound {
		t.Errorf("its receipt: %v", err)
	}
}

func TestStatesAreSignedAndProved(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	signed, err := w.Checkpoint(ctx)
	ok(t, err)
	old, err := translog.OpenCheckpoint(signed, w.key)
	ok(t, err)
	_, err = w.catalog.CreateTenant(ctx, "d", "", operator)
	ok(t, err)
	signed, err = w.Checkpoint(ctx)
	ok(t, err)
	now, err := translog.OpenCheckpoint(signed, w.key)
	ok(t, err)
	proof, err := w.Consistency(ctx, old.Size, now.Size)
	ok(t, err)
	ok(t, tlog.CheckTree(proof, now.Size, now.Root, old.Size, old.Root))
	for i := range now.Size {
		hash, proof, err := w.Inclusion(ctx, i, now.Size)
		ok(t, err)
		ok(t, tlog.CheckRecord(proof, now.Size, now.Root, i, hash))
	}
	for _, wrong := range [][2]int64{{-1, 3}, {3, 3}, {0, now.Size + 1}} {
		if _, _, err := w.Inclusion(ctx, wrong[0], wrong[1]); privacy.CodeOf(err) != privacy.CodeInvalidRequest {
			t.Errorf("leaf %d of %d: %v", wrong[0], wrong[1], err)
		}
	}
	unsigned := record.New(w.db, release.New(w.db), nil)
	if _, err := unsigned.Checkpoint(ctx); privacy.CodeOf(err) != privacy.CodeNotFound {
		t.Errorf("without a key: %v", err)
	}
	if _, err := unsigned.Receipt(ctx, payer, w.release); privacy.CodeOf(err) != privacy.CodeNotFound {
		t.Errorf("a receipt without a key: %v", err)
	}
}
