package containment_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/containment"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/controldb/controltest"
)

var (
	operator = privacy.Principal{ID: "key_operator", Role: privacy.RoleOperator}
	admin    = privacy.Principal{ID: "key_admin", Role: privacy.RoleTenantAdmin, Tenant: "a"}
	analyst  = privacy.Principal{ID: "oidc_analyst", Role: privacy.RoleAnalyst, Tenant: "a"}
	outsider = privacy.Principal{ID: "oidc_analyst", Role: privacy.RoleAnalyst, Tenant: "b"}
)

// house is a control store with the tenants a and b.
type house struct {
	*containment.Service
	t    testing.TB
	path string
	db   *controldb.DB
	cat  *catalog.Catalog
}

func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{t: t, path: filepath.Join(t.TempDir(), "control.db")}
	h.db, h.Service = h.open()
	h.cat = catalog.New(h.db, time.Now)
	for _, name := range []string{"a", "b"} {
		if _, err := h.cat.CreateTenant(t.Context(), name, "", operator); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// open opens the store as another process does.
func (h *house) open() (*controldb.DB, *containment.Service) {
	h.t.Helper()
	db := controltest.Open(h.t, h.path)
	return db, containment.New(db, time.Now)
}

func (h *house) suspend(kind, name string, by privacy.Principal) {
	h.t.Helper()
	if _, err := h.Suspend(context.Background(), kind, name, "a test", by); err != nil {
		h.t.Fatalf("%s %s: %v", kind, name, err)
	}
}

func (h *house) key(id, principal, tenant string, role privacy.Role) {
	h.t.Helper()
	err := h.db.InTx(context.Background(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO api_keys (id, principal, hash, role, tenant, name, created_at, created_by)
			VALUES (?, ?, randomblob(32), ?, NULLIF(?, ''), '', 1, 'system')`, id, principal, role, tenant)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

func TestWhatASuspensionStops(t *testing.T) {
	question := func(p privacy.Principal, tenants ...string) containment.Touches {
		return containment.Touches{Principal: p, Dataset: "visits", Tenants: tenants}
	}
	call := func(p privacy.Principal) containment.Touches { return containment.Touches{Principal: p} }
	for _, c := range []struct {
		kind, name string
		by         privacy.Principal
		stopped    []containment.Touches
		goesOn     []containment.Touches
	}{
		{
			containment.KindTenant, "a", operator,
			[]containment.Touches{call(analyst), call(admin), question(outsider, "b", "a")},
			[]containment.Touches{call(outsider), call(operator), question(outsider, "b")},
		},
		{
			containment.KindTenant, "a", admin, // its rows only
			[]containment.Touches{question(analyst, "a", "b"), question(outsider, "a")},
			[]containment.Touches{call(analyst), call(admin), question(analyst, "b")},
		},
		{
			containment.KindPrincipal, analyst.ID, operator,
			[]containment.Touches{call(analyst), call(outsider), question(analyst, "b")},
			[]containment.Touches{call(admin)},
		},
		{
			containment.KindPrincipal, analyst.ID, admin, // where it acts for the tenant
			[]containment.Touches{call(analyst)},
			[]containment.Touches{call(outsider), call(admin)},
		},
		{
			containment.KindEverything, containment.All, operator,
			[]containment.Touches{call(analyst), call(admin), question(analyst), question(operator), {}},
			[]containment.Touches{call(operator)},
		},
	} {
		t.Run(fmt.Sprintf("%s by %s", c.kind, c.by.Role), func(t *testing.T) {
			h := newHouse(t)
			_, elsewhere := h.open()
			h.suspend(c.kind, c.name, c.by)
			for _, s := range []*containment.Service{h.Service, elsewhere} {
				for _, touched := range c.stopped {
					if err := s.Check(t.Context(), touched); !containment.Is(err) {
						t.Errorf("%+v goes on: %v", touched, err)
					}
				}
				for _, touched := range c.goesOn {
					if err := s.Check(t.Context(), touched); err != nil {
						t.Errorf("%+v: %v", touched, err)
					}
				}
			}
			if err := h.Lift(t.Context(), c.kind, c.name, c.by); err != nil {
				t.Fatal(err)
			}
			for _, touched := range c.stopped {
				if err := elsewhere.Check(t.Context(), touched); err != nil {
					t.Errorf("%+v after it was lifted: %v", touched, err)
				}
			}
		})
	}
}

func TestWhoMaySuspendWhat(t *testing.T) {
	h := newHouse(t)
	h.key("key_own", "key_first", "a", privacy.RoleAnalyst)
	h.key("key_foreign", "key_foreign", "b", privacy.RoleAnalyst)
	h.key(operator.ID, operator.ID, "", privacy.RoleOperator)
	for _, c := range []struct {
		kind, name, reason string
		by                 privacy.Principal
		code               privacy.Code
	}{
		{containment.KindTenant, "a", "why", operator, ""},
		{containment.KindTenant, "nobody", "why", operator, privacy.CodeNotFound},
		{containment.KindDataset, "nothing", "why", operator, privacy.CodeUnknownDataset},
		{containment.KindPrincipal, "key_unseen", "why", operator, ""},
		{containment.KindPrincipal, operator.ID, "why", operator, privacy.CodeConflict},
		{containment.KindPrincipal, "../x", "why", operator, privacy.CodeInvalidRequest},
		{containment.KindEverything, "all", "why", operator, ""},
		{containment.KindEverything, "some", "why", operator, privacy.CodeInvalidRequest},
		{"rows", "all", "why", operator, privacy.CodeInvalidRequest},
		{containment.KindTenant, "a", "", operator, privacy.CodeInvalidRequest},
		{containment.KindTenant, "a", strings.Repeat("x", 501), operator, privacy.CodeInvalidRequest},
		{containment.KindTenant, "a", "a\nb", operator, privacy.CodeInvalidRequest},
		{containment.KindTenant, "a", "why", admin, ""},
		{containment.KindTenant, "b", "why", admin, privacy.CodeForbidden},
		{containment.KindTenant, "nobody", "why", admin, privacy.CodeForbidden},
		{containment.KindDataset, "nothing", "why", admin, privacy.CodeForbidden},
		{containment.KindEverything, "all", "why", admin, privacy.CodeForbidden},
		{containment.KindPrincipal, "key_own", "why", admin, ""},
		{containment.KindPrincipal, "key_foreign", "why", admin, privacy.CodeNotFound},
		{containment.KindPrincipal, "key_unseen", "why", admin, privacy.CodeNotFound},
		{containment.KindPrincipal, "oidc_unseen", "why", admin, ""},
		{containment.KindTenant, "a", "why", analyst, privacy.CodeForbidden},
	} {
		_, err := h.Suspend(t.Context(), c.kind, c.name, c.reason, c.by)
		if privacy.CodeOf(err) != c.code {
			t.Errorf("%s %s by %s: %v, want %q", c.kind, c.name, c.by.Role, err, c.code)
		}
	}
	// A key's id stands for its principal, whom another key would let in.
	if err := h.Check(t.Context(), containment.Touches{Principal: privacy.Principal{ID: "key_first", Tenant: "a", Role: privacy.RoleOperator}}); !containment.Is(err) {
		t.Errorf("the principal of a key that was suspended: %v", err)
	}
}

func TestEachLiftsItsOwn(t *testing.T) {
	h := newHouse(t)
	h.suspend(containment.KindTenant, "a", operator)
	if err := h.Lift(t.Context(), containment.KindTenant, "a", admin); privacy.CodeOf(err) != privacy.CodeNotFound {
		t.Errorf("a tenant lifted the operators' suspension: %v", err)
	}
	h.suspend(containment.KindTenant, "a", admin)
	if err := h.Lift(t.Context(), containment.KindTenant, "a", operator); err != nil {
		t.Fatal(err)
	}
	rows := containment.Touches{Principal: outsider, Dataset: "visits", Tenants: []string{"a"}}
	if err := h.Check(t.Context(), rows); !containment.Is(err) {
		t.Errorf("the operator's lifting opened what the tenant had closed: %v", err)
	}
}

// TestRunsStopInEveryProcess: the run is in a process that learns of the
// suspension by looking only.
func TestRunsStopInEveryProcess(t *testing.T) {
	h := newHouse(t)
	_, elsewhere := h.open()
	ctx, stop := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	watching.Go(func() { elsewhere.Watch(ctx, func(err error) { t.Error(err) }) })
	defer watching.Wait()
	defer stop()

	touched, done, err := elsewhere.Track(t.Context(), containment.Touches{Principal: analyst, Dataset: "visits", Tenants: []string{"a", "b"}})
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	other, doneOther, err := elsewhere.Track(t.Context(), containment.Touches{Principal: outsider, Dataset: "visits", Tenants: []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	defer doneOther()
	h.suspend(containment.KindTenant, "b", operator)
	select {
	case <-touched.Done():
	case <-time.After(5 * time.Minute):
		t.Fatal("the run goes on")
	}
	if cause := context.Cause(touched); !containment.Is(cause) {
		t.Errorf("it ended because of %v", cause)
	}
	// The other's principal belongs to b, too.
	<-other.Done()
	if _, _, err := elsewhere.Track(t.Context(), containment.Touches{Tenants: []string{"b"}}); !containment.Is(err) {
		t.Errorf("a run began after the suspension: %v", err)
	}
}

func TestTransactionsSeeWhatProcessesDoNot(t *testing.T) {
	h := newHouse(t)
	db, elsewhere := h.open()
	rows := containment.Touches{Principal: outsider, Dataset: "visits", Tenants: []string{"a"}}
	if err := elsewhere.Check(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	h.suspend(containment.KindTenant, "a", admin)
	err := db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error { return elsewhere.CheckIn(ctx, tx, rows) })
	if !containment.Is(err) {
		t.Errorf("a transaction went on: %v", err)
	}
	// What a transaction that is rolled back did is not believed afterwards.
	broken := errors.New("rolled back")
	err = db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		if err := containment.SuspendPrincipal(ctx, tx, outsider.ID, "a test", time.Now()); err != nil {
			return err
		}
		if err := elsewhere.CheckIn(ctx, tx, containment.Touches{Principal: outsider}); !containment.Is(err) {
			t.Errorf("a transaction does not see its own suspension: %v", err)
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Fatal(err)
	}
	if err := elsewhere.Check(t.Context(), containment.Touches{Principal: outsider}); err != nil {
		t.Error(err)
	}
}

func TestTheDetectorLocksNoOperatorOut(t *testing.T) {
	h := newHouse(t)
	err := h.db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		for _, id := range []string{operator.ID, analyst.ID} {
			if err := containment.SuspendPrincipal(ctx, tx, id, "a test", time.Now()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Check(t.Context(), containment.Touches{Principal: operator}); err != nil {
		t.Error(err)
	}
	if err := h.Check(t.Context(), containment.Touches{Principal: analyst}); !containment.Is(err) {
		t.Errorf("the analyst goes on: %v", err)
	}
	// Another operator may.
	h.suspend(containment.KindPrincipal, operator.ID, privacy.Principal{ID: "key_second", Role: privacy.RoleOperator})
	if err := h.Check(t.Context(), containment.Touches{Principal: operator}); !containment.Is(err) {
		t.Errorf("the operator goes on: %v", err)
	}
}

// TestATenantSuspendsSoMany: every call reads all suspensions again when one has
// changed, so that a tenant with any number of them could slow all others down. That it
// suspends itself is never too much.
func TestATenantSuspendsSoMany(t *testing.T) {
	h := newHouse(t)
	err := h.db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
			INSERT INTO suspensions (kind, name, owner, reason, placed_by, since) SELECT 'principal', 'oidc_' || i, 'a', 'r', 'x', 0 FROM n`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Suspend(t.Context(), containment.KindPrincipal, "oidc_x", "one more", admin); privacy.CodeOf(err) != privacy.CodeConflict {
		t.Errorf("one more: %v", err)
	}
	for _, by := range []privacy.Principal{admin, operator} {
		if _, err := h.Suspend(t.Context(), containment.KindTenant, "a", "our own", by); err != nil {
			t.Errorf("the tenant itself: %v", err)
		}
	}
	if _, err := h.Suspend(t.Context(), containment.KindPrincipal, "oidc_x", "stolen", operator); err != nil {
		t.Errorf("by the operator: %v", err)
	}
}

func TestATenantCreatedAgainIsNotSuspended(t *testing.T) {
	h := newHouse(t)
	h.suspend(containment.KindTenant, "a", operator)
	h.suspend(containment.KindTenant, "a", admin)
	h.suspend(containment.KindPrincipal, "oidc_x", admin)
	if err := h.cat.DeleteTenant(t.Context(), "a", operator); err != nil {
		t.Fatal(err)
	}
	all, err := h.List(t.Context(), operator)
	if err != nil || len(all) != 0 {
		t.Errorf("left: %+v, %v", all, err)
	}
}

func TestATenantSeesWhatConcernsIt(t *testing.T) {
	h := newHouse(t)
	h.key("key_own", "key_own", "a", privacy.RoleAnalyst)
	h.key("key_foreign", "key_foreign", "b", privacy.RoleAnalyst)
	for _, name := range []string{"key_own", "key_foreign"} {
		h.suspend(containment.KindPrincipal, name, operator)
	}
	h.suspend(containment.KindTenant, "b", operator)
	h.suspend(containment.KindTenant, "a", admin)
	all, err := h.List(t.Context(), admin)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range all {
		got = append(got, s.Kind+" "+s.Name+" "+s.Owner+" "+s.Reason)
	}
	slices.Sort(got)
	want := []string{"principal key_own  ", "tenant a a a test"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestThereIsOneWay compares what tenants say of themselves, what processes know,
// and a model, after random acts.
func TestThereIsOneWay(t *testing.T) {
	h := newHouse(t)
	_, elsewhere := h.open()
	rapid.Check(t, func(rt *rapid.T) {
		byOperator, byItself := map[string]bool{}, map[string]bool{}
		for _, name := range []string{"a", "b"} { // from nothing
			_ = h.Lift(rt.Context(), containment.KindTenant, name, operator)
			_ = h.Lift(rt.Context(), containment.KindTenant, name, privacy.Principal{Role: privacy.RoleTenantAdmin, Tenant: name})
		}
		for range rapid.IntRange(1, 12).Draw(rt, "acts") {
			name := rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "tenant")
			on := rapid.Bool().Draw(rt, "on")
			own := privacy.Principal{ID: "key_admin", Role: privacy.RoleTenantAdmin, Tenant: name}
			switch rapid.IntRange(0, 2).Draw(rt, "way") {
			case 0: // as before there were suspensions
				if err := h.cat.SetSuspended(rt.Context(), name, on, operator); err != nil {
					rt.Fatal(err)
				}
				byOperator[name] = on
			case 1:
				act(rt, h, name, operator, on, byOperator)
			case 2:
				act(rt, h, name, own, on, byItself)
			}
			for _, name := range []string{"a", "b"} {
				tenant, err := h.cat.Tenant(rt.Context(), name)
				if err != nil || tenant.Suspended != byOperator[name] {
					rt.Fatalf("tenant %s: %t, want %t (%v)", name, tenant.Suspended, byOperator[name], err)
				}
				for _, s := range []*containment.Service{h.Service, elsewhere} {
					if got := containment.Is(s.Check(rt.Context(), containment.Touches{Tenants: []string{name}})); got != (byOperator[name] || byItself[name]) {
						rt.Fatalf("rows of %s are suspended: %t", name, got)
					}
				}
			}
		}
	})
}

func act(rt *rapid.T, h *house, name string, by privacy.Principal, on bool, model map[string]bool) {
	var err error
	if on {
		_, err = h.Suspend(rt.Context(), containment.KindTenant, name, "a test", by)
	} else if err = h.Lift(rt.Context(), containment.KindTenant, name, by); !model[name] && privacy.CodeOf(err) == privacy.CodeNotFound {
		err = nil
	}
	if err != nil {
		rt.Fatal(err)
	}
	model[name] = on
}

func TestNobodySuspendsAnotherWay(t *testing.T) {
	h := newHouse(t)
	for _, statement := range []string{`UPDATE tenants SET suspended = 1`, `UPDATE tenants SET paused = 1`, `DELETE FROM suspension_changes`, `UPDATE suspension_changes SET change = 0`} {
		err := h.db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, statement)
			return err
		})
		if err == nil {
			t.Errorf("%s: done", statement)
		}
	}
}
