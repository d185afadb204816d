package consent

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/contractparse"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/controldb/controltest"
	"github.com/noised/noised/privacy/ledger"
)

// bench is a service on a real control store with the tenants a, b and c, of
// which a and b are members of the dataset visits.
type bench struct {
	t       *testing.T
	db      *controldb.DB
	catalog *catalog.Catalog
	ledger  *ledger.Ledger
	*Service
	at time.Time
}

var operator = principal(privacy.RoleOperator, "", "operator")

// principal does not come by a key, so that none needs to exist.
func principal(role privacy.Role, tenant, name string) privacy.Principal {
	return privacy.Principal{ID: "oidc_" + name + tenant, Role: role, Tenant: tenant}
}

func admin(tenant string) privacy.Principal {
	return principal(privacy.RoleTenantAdmin, tenant, "admin")
}

func keeper(tenant, name string) privacy.Principal {
	return principal(privacy.RoleBudgetAdmin, tenant, name)
}

func newBench(t *testing.T, approvals string) *bench {
	t.Helper()
	b := &bench{t: t, at: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)}
	db := controltest.Open(t, filepath.Join(t.TempDir(), "control.db"))
	now := func() time.Time { return b.at }
	b.db, b.catalog, b.ledger = db, catalog.New(db, now), ledger.New(db, now)
	b.Service = New(db, b.catalog, b.ledger, now)
	for _, tenant := range []string{"a", "b", "c"} {
		_, err := b.catalog.CreateTenant(t.Context(), tenant, "", operator)
		b.ok(err)
	}
	b.made(b.put(1, approvals))
	b.ok(b.catalog.Accept(t.Context(), "visits", "a", 1, admin("a")))
	b.ok(b.catalog.Accept(t.Context(), "visits", "b", 1, admin("b")))
	return b
}

func (b *bench) ok(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// put puts a version of the contract; more is written below its columns.
func (b *bench) put(version int, approvals string, more ...string) (*Proposal, error) {
	b.t.Helper()
	doc := fmt.Sprintf("dataset: visits\nversion: %d\nprivacy_unit: {column: person, scope: tenant}\ncontribution: {max_rows: 2}\ncolumns:\n  person: {type: bigint, role: unit}\n%s\n%s",
		version, strings.Join(more, "\n"), approvals)
	c, err := contractparse.Parse([]byte(doc))
	b.ok(err)
	return b.PutDataset(b.t.Context(), c, []byte(doc), operator)
}

const minutes = "  minutes: {type: integer, role: measure, bounds: [0, 60]}"

// made demands that a change was made at once.
func (b *bench) made(p *Proposal, err error) {
	b.t.Helper()
	b.ok(err)
	if p != nil {
		b.t.Fatalf("a proposal of kind %s waits, where the change should be made at once", p.Kind)
	}
}

// waits demands that a change waits.
func (b *bench) waits(p *Proposal, err error) *Proposal {
	b.t.Helper()
	b.ok(err)
	if p == nil {
		b.t.Fatal("the change was made at once, where it should wait")
	}
	return p
}

func (b *bench) refused(want privacy.Code, err error) {
	b.t.Helper()
	if privacy.CodeOf(err) != want {
		b.t.Errorf("error %v, want %s", err, want)
	}
}

// approve signs and demands the state that follows.
func (b *bench) approve(id string, by privacy.Principal, want State) {
	b.t.Helper()
	p, err := b.Approve(b.t.Context(), id, by)
	b.ok(err)
	if p.State != want {
		b.t.Errorf("the proposal is %s, want %s", p.State, want)
	}
}

func (b *bench) state(id string) State {
	b.t.Helper()
	p, err := b.Get(b.t.Context(), id, operator)
	b.ok(err)
	return p.State
}

func (b *bench) latest() int {
	b.t.Helper()
	d, err := b.catalog.Dataset(b.t.Context(), "visits")
	b.ok(err)
	return d.Latest
}

// steps returns the acts on the log about proposals.
func (b *bench) steps() (acts []string) {
	b.t.Helper()
	rows, err := b.db.QueryContext(b.t.Context(), `SELECT json_extract(leaf, '$.body.act') FROM log_leaves WHERE json_extract(leaf, '$.kind') = 'proposal' ORDER BY idx`)
	b.ok(err)
	defer rows.Close()
	for rows.Next() {
		var act string
		b.ok(rows.Scan(&act))
		acts = append(acts, act)
	}
	b.ok(rows.Err())
	return acts
}

const both = "approvals: {tenants: affected, budget_admins: 2, expires_after: 1h}"
