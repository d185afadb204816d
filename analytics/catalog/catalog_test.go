package catalog

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/contractparse"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/controldb/controltest"
	"github.com/noised/noised/privacy/translog"
)

var (
	noon  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	admin = privacy.Principal{ID: "key_admin", Role: privacy.RoleOperator}
)

// fixture is a catalog on a real control store, with a clock that stands still
// unless it is moved.
type fixture struct {
	*Catalog
	t    testing.TB
	db   *controldb.DB
	path string
	at   time.Time
}

func open(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{t: t, path: filepath.Join(t.TempDir(), "control.db"), at: noon}
	f.db = f.connect()
	f.Catalog = New(f.db, func() time.Time { return f.at })
	return f
}

func (f *fixture) connect() *controldb.DB {
	f.t.Helper()
	db := controltest.Open(f.t, f.path)
	return db
}

// other is a catalog as a second process would have it: its own connections
// and its own memory, the same file.
func (f *fixture) other() *Catalog {
	return New(f.connect(), func() time.Time { return f.at })
}

func (f *fixture) ok(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) fails(err error, code privacy.Code) {
	f.t.Helper()
	if privacy.CodeOf(err) != code {
		f.t.Errorf("error = %v, want %s", err, code)
	}
}

func (f *fixture) tenants(names ...string) {
	f.t.Helper()
	for _, name := range names {
		_, err := f.CreateTenant(f.t.Context(), name, "", admin)
		f.ok(err)
	}
}

// contractDoc is a contract with the given version, scope and extra columns.
func contractDoc(t testing.TB, version int, scope plan.Scope, columns string) (*contract.Contract, []byte) {
	t.Helper()
	doc := fmt.Appendf(nil, "dataset: visits\nversion: %d\nprivacy_unit: {column: id, scope: %s}\n"+
		"contribution: {max_rows: 3}\ncolumns:\n  id: {type: bigint, role: unit}\n%s", version, scope, columns)
	c, err := contractparse.Parse(doc)
	if err != nil {
		t.Fatal(err)
	}
	return c, doc
}

// put stores a version of the dataset visits.
func (f *fixture) put(version int, columns string) {
	f.t.Helper()
	c, doc := contractDoc(f.t, version, plan.ScopePerson, columns)
	f.ok(f.PutDataset(f.t.Context(), c, doc, admin))
}

func (f *fixture) accept(version int, tenants ...string) {
	f.t.Helper()
	for _, tenant := range tenants {
		f.ok(f.Accept(f.t.Context(), "visits", tenant, version, admin))
	}
}

func (f *fixture) publish(g Generation, expected string) error {
	return f.db.InTx(f.t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		return f.Publish(ctx, tx, g, expected)
	})
}

// acts returns the bodies of the log's leaves of a kind.
func (f *fixture) acts(kind string) []string {
	f.t.Helper()
	size, err := translog.Size(f.t.Context(), f.db)
	f.ok(err)
	var out []string
	for i := range size {
		data, err := translog.Entry(f.t.Context(), f.db, i)
		f.ok(err)
		var leaf struct {
			Kind string          `json:"kind"`
			Body json.RawMessage `json:"body"`
		}
		f.ok(json.Unmarshal(data, &leaf))
		if leaf.Kind == kind {
			out = append(out, string(leaf.Body))
		}
	}
	return out
}

func TestTenants(t *testing.T) {
	f, ctx := open(t), t.Context()
	created, err := f.CreateTenant(ctx, "dept_5", "eu-west", admin)
	f.ok(err)
	want := Tenant{Name: "dept_5", Region: "eu-west", CreatedAt: noon}
	if diff := cmp.Diff(want, created); diff != "" {
		t.Error(diff)
	}
	for name, code := range map[string]privacy.Code{
		"dept_5": privacy.CodeConflict, "Dept": privacy.CodeInvalidRequest, "": privacy.CodeInvalidRequest, "a/b": privacy.CodeInvalidRequest,
	} {
		_, err := f.CreateTenant(ctx, name, "", admin)
		f.fails(err, code)
	}
	_, err = f.CreateTenant(ctx, "x", "eu\nwest", admin)
	f.fails(err, privacy.CodeInvalidRequest)
	_, err = f.Tenant(ctx, "nobody")
	f.fails(err, privacy.CodeNotFound)
	f.fails(f.SetSuspended(ctx, "nobody", true, admin), privacy.CodeNotFound)
	f.fails(f.DeleteTenant(ctx, "nobody", admin), privacy.CodeNotFound)

	f.tenants("a")
	f.ok(f.SetSuspended(ctx, "dept_5", true, admin))
	f.ok(f.SetSuspended(ctx, "dept_5", true, admin)) // again: nothing happens
	want.Suspended = true
	all, err := f.other().Tenants(ctx)
	f.ok(err)
	if diff := cmp.Diff([]Tenant{{Name: "a", CreatedAt: noon}, want}, all); diff != "" {
		t.Error(diff)
	}
	f.ok(f.SetSuspended(ctx, "dept_5", false, admin))
	wantActs := []string{
		`{"act":"create","by":"key_admin","tenant":"dept_5"}`, `{"act":"create","by":"key_admin","tenant":"a"}`,
	}
	if diff := cmp.Diff(wantActs, f.acts(translog.KindTenant)); diff != "" {
		t.Error(diff)
	}
	wantActs = []string{
		`{"act":"suspend","by":"key_admin","kind":"tenant","name":"dept_5"}`, `{"act":"lift","by":"key_admin","kind":"tenant","name":"dept_5"}`,
	}
	if diff := cmp.Diff(wantActs, f.acts(translog.KindSuspension)); diff != "" {
		t.Error(diff)
	}
}

func TestDatasetVersions(t *testing.T) {
	f, ctx := open(t), t.Context()
	_, err := f.Dataset(ctx, "visits")
	f.fails(err, privacy.CodeUnknownDataset)
	_, err = f.Contract(ctx, "visits", 1)
	f.fails(err, privacy.CodeUnknownDataset)

	second, doc := contractDoc(t, 2, plan.ScopePerson, "")
	f.fails(f.PutDataset(ctx, second, doc, admin), privacy.CodeConflict) // a gap
	f.put(1, "")
	first, doc1 := contractDoc(t, 1, plan.ScopePerson, "")
	f.fails(f.PutDataset(ctx, first, doc1, admin), privacy.CodeConflict) // again
	f.put(2, "  x: {type: varchar, role: dimension}\n")
	_, err = f.Contract(ctx, "visits", 3)
	f.fails(err, privacy.CodeNotFound)

	got, err := f.Document(ctx, "visits", 1)
	f.ok(err)
	if string(got) != string(doc1) {
		t.Errorf("the document was not kept as sent: %q", got)
	}
	again, err := f.other().Contract(ctx, "visits", 1)
	f.ok(err)
	if diff := cmp.Diff(first, again); diff != "" {
		t.Error(diff)
	}
	all, err := f.Datasets(ctx)
	f.ok(err)
	if len(all) != 1 || all[0].Name != "visits" || all[0].Latest != 2 || all[0].Contract.Version != 2 || len(all[0].Members) != 0 {
		t.Errorf("Datasets = %+v", all)
	}
	wantActs := []string{
		`{"act":"publish","by":"key_admin","dataset":"visits","version":1}`,
		`{"act":"publish","by":"key_admin","dataset":"visits","version":2}`,
	}
	if diff := cmp.Diff(wantActs, f.acts(translog.KindContract)); diff != "" {
		t.Error(diff)
	}
}

// What earlier queries spent is kept per period, so that a version that moves
// rows to other periods would give them budget that is spent already.
func TestVersionsKeepTheirPeriods(t *testing.T) {
	const (
		day    = "  day: {type: date, role: dimension, domain: {from: 2024-01-01, to: 2024-06-30, every: day}}\n"
		longer = "  day: {type: date, role: dimension, domain: {from: 2024-01-01, to: 2024-12-31, every: day}}\n"
		months = "budget_per: {column: day, every: month}\n"
	)
	tests := []struct {
		name, first, second string
		code                privacy.Code
	}{
		{"none", day, longer, ""},
		{"the same", day + months, day + months, ""},
		{"written out", day + months, longer + "budget_per: {column: day, every: month, from: 2024-01-09, to: 2024-06-01}\n", ""},
		{"added", day, day + months, privacy.CodeConflict},
		{"removed", day + months, day, privacy.CodeConflict},
		{"another length", day + months, day + "budget_per: {column: day, every: week}\n", privacy.CodeConflict},
		{"a longer calendar", day + months, longer + months, privacy.CodeConflict},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := open(t)
			f.put(1, tt.first)
			c, doc := contractDoc(t, 2, plan.ScopePerson, tt.second)
			if err := f.PutDataset(t.Context(), c, doc, admin); privacy.CodeOf(err) != tt.code {
				t.Errorf("error = %v, want %q", err, tt.code)
			}
		})
	}
}

func TestVersionInForce(t *testing.T) {
	type accept struct {
		tenant  string
		version int
	}
	tests := []struct {
		name      string
		accepted  []accept
		suspended []string
		left      []string
		want      int
		active    []string
	}{
		{"nobody accepted: the latest", nil, nil, nil, 3, nil},
		{"the only version that anybody accepted", []accept{{"a", 1}, {"b", 1}}, nil, nil, 1, []string{"a", "b"}},
		{"the highest accepted version leaves the others out", []accept{{"a", 1}, {"b", 2}, {"c", 2}}, nil, nil, 2, []string{"b", "c"}},
		{"accepting again replaces", []accept{{"a", 1}, {"b", 2}, {"a", 2}}, nil, nil, 2, []string{"a", "b"}},
		{"a tenant may go back", []accept{{"a", 3}, {"a", 1}}, nil, nil, 1, []string{"a"}},
		{"the suspended take no part", []accept{{"a", 2}, {"b", 2}}, []string{"a"}, nil, 2, []string{"b"}},
		{"whoever left takes no part", []accept{{"a", 1}, {"b", 2}}, nil, []string{"b"}, 1, []string{"a"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, ctx := open(t), t.Context()
			f.tenants("c", "b", "a")
			for version := 1; version <= 3; version++ {
				f.put(version, "")
			}
			for _, a := range tt.accepted {
				f.accept(a.version, a.tenant)
			}
			for _, tenant := range tt.suspended {
				f.ok(f.SetSuspended(ctx, tenant, true, admin))
			}
			for _, tenant := range tt.left {
				f.ok(f.Leave(ctx, "visits", tenant, admin))
			}
			d, err := f.other().Dataset(ctx, "visits")
			f.ok(err)
			if d.Contract.Version != tt.want || d.Latest != 3 || !slices.Equal(d.Active(), tt.active) {
				t.Errorf("in force %d with %v, want %d with %v", d.Contract.Version, d.Active(), tt.want, tt.active)
			}
		})
	}
}

func TestMembershipErrors(t *testing.T) {
	f, ctx := open(t), t.Context()
	f.tenants("a")
	f.put(1, "")
	f.fails(f.Accept(ctx, "nothing", "a", 1, admin), privacy.CodeUnknownDataset)
	f.fails(f.Accept(ctx, "visits", "a", 2, admin), privacy.CodeNotFound)
	f.fails(f.Accept(ctx, "visits", "nobody", 1, admin), privacy.CodeNotFound)
	f.fails(f.Leave(ctx, "nothing", "a", admin), privacy.CodeUnknownDataset)
	f.fails(f.Leave(ctx, "visits", "a", admin), privacy.CodeNotFound)
	f.accept(1, "a", "a")
	f.ok(f.Leave(ctx, "visits", "a", admin))
	want := []string{
		`{"act":"accept","by":"key_admin","dataset":"visits","tenant":"a","version":1}`,
		`{"act":"leave","by":"key_admin","dataset":"visits","tenant":"a"}`,
	}
	if diff := cmp.Diff(want, f.acts(translog.KindMember)); diff != "" {
		t.Error(diff)
	}
}

// Deleting a tenant takes its membership, its keys and its data; what it has
// spent stays with its name.
func TestDeleteTenant(t *testing.T) {
	f, ctx := open(t), t.Context()
	f.tenants("a", "b")
	f.put(1, "")
	f.accept(1, "a", "b")
	f.ok(f.publish(generation("gen_1", "a", 1), ""))
	f.ok(f.publish(generation("gen_2", "b", 1), ""))
	f.ok(f.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO api_keys (id, hash, role, tenant, name, created_at, created_by, principal)
			VALUES ('key_1', zeroblob(32), 'analyst', 'a', '', 0, '', 'key_1')`); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO accounts (name, window, cap_epsilon, cap_delta, cap_mu2, cap_delta_units,
			life_epsilon, life_delta, life_mu2, life_delta_units, seen, spent_mu2, total_mu2)
			VALUES ('tenant:a', 'none', 1, 1e-6, 100, 100, 1, 1e-6, 100, 100, 0, 42, 42)`)
		return err
	}))

	f.ok(f.DeleteTenant(ctx, "a", admin))
	count := func(query string) (n int) {
		f.ok(f.db.QueryRowContext(ctx, query).Scan(&n))
		return n
	}
	if n := count(`SELECT count(*) FROM api_keys`); n != 0 {
		t.Error("its key is still there")
	}
	if n := count(`SELECT spent_mu2 FROM accounts WHERE name = 'tenant:a'`); n != 42 {
		t.Errorf("its account has spent %d, want 42", n)
	}

	f.tenants("a") // again, by the same name
	d, err := f.Dataset(ctx, "visits")
	f.ok(err)
	if got := d.Active(); !slices.Equal(got, []string{"b"}) {
		t.Errorf("members after deletion: %v", got)
	}
	f.accept(1, "a")
	current, err := f.Current(ctx, "visits", []string{"a", "b"})
	f.ok(err)
	if len(current) != 1 || current["b"].ID != "gen_2" {
		t.Errorf("current after deletion: %v", current)
	}
}

func TestSecrets(t *testing.T) {
	f, ctx := open(t), t.Context()
	_, err := f.Secrets(ctx, "visits", "a")
	f.fails(err, privacy.CodeUnknownDataset)
	f.put(1, "")
	secret := func(c *Catalog, tenant string, scope plan.Scope) Secrets {
		s, err := c.SecretsFor(ctx, "visits", tenant, scope)
		f.ok(err)
		return s
	}
	a := secret(f.Catalog, "a", plan.ScopePerson)
	if a == (Secrets{}) || a.PseudonymKey == [32]byte{} || a.Salt == [16]byte{} {
		t.Fatal("secrets are empty")
	}
	for name, other := range map[string]Secrets{
		"asked again":         secret(f.Catalog, "a", plan.ScopePerson),
		"in another process":  secret(f.other(), "a", plan.ScopePerson),
		"for another tenant":  secret(f.Catalog, "b", plan.ScopePerson),
		"for the dataset":     secret(f.Catalog, "", plan.ScopePerson),
		"dataset, per tenant": secret(f.Catalog, "", plan.ScopeTenant),
	} {
		if other != a {
			t.Errorf("scope person: secrets differ when %s", name)
		}
	}
	ta, tb := secret(f.Catalog, "a", plan.ScopeTenant), secret(f.Catalog, "b", plan.ScopeTenant)
	if ta.PseudonymKey == tb.PseudonymKey || ta.PseudonymKey == a.PseudonymKey {
		t.Error("scope tenant: tenants share a pseudonym key")
	}
	if ta.Salt != a.Salt || tb.Salt != a.Salt {
		t.Error("the salt is the dataset's")
	}

	c, doc := contractDoc(t, 2, plan.ScopeTenant, "")
	f.ok(f.PutDataset(ctx, c, doc, admin))
	for version, want := range map[int]Secrets{1: a, 2: ta} {
		f.tenants(fmt.Sprintf("t%d", version))
		f.accept(version, fmt.Sprintf("t%d", version))
		got, err := f.Secrets(ctx, "visits", "a")
		f.ok(err)
		d, err := f.Dataset(ctx, "visits")
		f.ok(err)
		if d.Contract.Version == version && got != want {
			t.Errorf("Secrets does not follow the scope of version %d in force", version)
		}
	}
}

func benchmarkFixture(b *testing.B, n int) (f *fixture, ctx context.Context, tenants []string) {
	f, ctx = open(b), b.Context()
	f.put(1, "")
	for i := range n {
		tenant := fmt.Sprintf("dept_%d", i)
		tenants = append(tenants, tenant)
		f.tenants(tenant)
		f.accept(1, tenant)
		f.ok(f.publish(generation("gen_"+tenant, tenant, 1), ""))
	}
	return f, ctx, tenants
}
