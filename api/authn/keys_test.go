package authn

import (
	"context"
	"database/sql"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/controldb/controltest"
	"github.com/noised/noised/privacy/translog"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// fixture has keys of the tenants a and b on a real control store, and the
// same store as a second process sees it.
type fixture struct {
	*Keys
	t         testing.TB
	db        *controldb.DB
	catalog   *catalog.Catalog
	elsewhere *Keys
	at        time.Time
}

func open(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{t: t, at: noon}
	path := filepath.Join(t.TempDir(), "control.db")
	now := func() time.Time { return f.at }
	f.db = connect(t, path)
	f.Keys, f.elsewhere = New(f.db, now), New(connect(t, path), now)
	f.catalog = catalog.New(f.db, now)
	for _, name := range []string{"a", "b"} {
		_, err := f.catalog.CreateTenant(t.Context(), name, "", System())
		f.ok(err)
	}
	return f
}

func connect(t testing.TB, path string) *controldb.DB {
	t.Helper()
	db := controltest.Open(t, path)
	return db
}

func (f *fixture) ok(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) create(r KeyRequest) (Key, string) {
	f.t.Helper()
	key, secret, err := f.Create(f.t.Context(), r, System())
	f.ok(err)
	return key, secret
}

// refused checks that a secret is refused with a code, in both processes.
func (f *fixture) refused(secret string, want privacy.Code) {
	f.t.Helper()
	for _, keys := range []*Keys{f.Keys, f.elsewhere} {
		if p, err := keys.Authenticate(f.t.Context(), secret); privacy.CodeOf(err) != want || p != (privacy.Principal{}) {
			f.t.Errorf("Authenticate = %+v, %v, want %s", p, err, want)
		}
	}
}

func (f *fixture) accepted(secret string) privacy.Principal {
	f.t.Helper()
	p, err := f.elsewhere.Authenticate(f.t.Context(), secret)
	f.ok(err)
	return p
}

var (
	adminA   = privacy.Principal{ID: "key_admin_a", Role: privacy.RoleTenantAdmin, Tenant: "a"}
	operator = privacy.Principal{ID: "key_operator", Role: privacy.RoleOperator}
)

func TestCreate(t *testing.T) {
	later, earlier := noon.Add(time.Hour), noon.Add(-time.Hour)
	tests := []struct {
		name    string
		by      privacy.Principal
		request KeyRequest
		want    privacy.Code
	}{
		{"the system creates the first operator", System(), KeyRequest{Role: privacy.RoleOperator}, ""},
		{"an operator creates an operator", operator, KeyRequest{Role: privacy.RoleOperator, Name: "second", ExpiresAt: &later}, ""},
		{"an operator belongs to no tenant", operator, KeyRequest{Role: privacy.RoleOperator, Tenant: "a"}, privacy.CodeInvalidRequest},
		{"a tenant admin needs a tenant", operator, KeyRequest{Role: privacy.RoleTenantAdmin}, privacy.CodeInvalidRequest},
		{"a budget admin needs a tenant", operator, KeyRequest{Role: privacy.RoleBudgetAdmin}, privacy.CodeInvalidRequest},
		{"a contributor needs a tenant", operator, KeyRequest{Role: privacy.RoleContributor}, privacy.CodeInvalidRequest},
		{"an analyst needs none", operator, KeyRequest{Role: privacy.RoleAnalyst}, ""},
		{"an analyst may have one", operator, KeyRequest{Role: privacy.RoleAnalyst, Tenant: "b"}, ""},
		{"an auditor needs none", operator, KeyRequest{Role: privacy.RoleAuditor}, ""},
		{"an unknown tenant", operator, KeyRequest{Role: privacy.RoleAnalyst, Tenant: "nobody"}, privacy.CodeNotFound},
		{"an unknown role", operator, KeyRequest{Role: "root"}, privacy.CodeInvalidRequest},
		{"no role", operator, KeyRequest{}, privacy.CodeInvalidRequest},
		{"already expired", operator, KeyRequest{Role: privacy.RoleAnalyst, ExpiresAt: &earlier}, privacy.CodeInvalidRequest},
		{"expires now", operator, KeyRequest{Role: privacy.RoleAnalyst, ExpiresAt: &noon}, privacy.CodeInvalidRequest},
		{"a name with a control character", operator, KeyRequest{Role: privacy.RoleAnalyst, Name: "a\x1b[31m"}, privacy.CodeInvalidRequest},
		{"a name that is not text", operator, KeyRequest{Role: privacy.RoleAnalyst, Name: "\xff"}, privacy.CodeInvalidRequest},
		{"a name that is too long", operator, KeyRequest{Role: privacy.RoleAnalyst, Name: strings.Repeat("é", 101)}, privacy.CodeInvalidRequest},
		{"a group", operator, KeyRequest{Role: privacy.RoleAnalyst, Group: "acme"}, ""},
		{"a group of no valid name", operator, KeyRequest{Role: privacy.RoleAnalyst, Group: "Acme!"}, privacy.CodeInvalidRequest},
		{"a group of a reserved name", operator, KeyRequest{Role: privacy.RoleAnalyst, Group: "default"}, privacy.CodeInvalidRequest},
		{"a tenant admin, for its tenant", adminA, KeyRequest{Role: privacy.RoleContributor, Tenant: "a", Name: "nightly load"}, ""},
		{"a tenant admin, another admin", adminA, KeyRequest{Role: privacy.RoleTenantAdmin, Tenant: "a"}, ""},
		{"a tenant admin, for another tenant", adminA, KeyRequest{Role: privacy.RoleContributor, Tenant: "b"}, privacy.CodeForbidden},
		{"a tenant admin, for no tenant", adminA, KeyRequest{Role: privacy.RoleAnalyst}, privacy.CodeForbidden},
		{"a tenant admin, an operator", adminA, KeyRequest{Role: privacy.RoleOperator}, privacy.CodeForbidden},
		{"a tenant admin, an operator of its tenant", adminA, KeyRequest{Role: privacy.RoleOperator, Tenant: "a"}, privacy.CodeForbidden},
		{"a tenant admin without a tenant", privacy.Principal{Role: privacy.RoleTenantAdmin}, KeyRequest{Role: privacy.RoleAnalyst}, privacy.CodeForbidden},
		{"a contributor", privacy.Principal{Role: privacy.RoleContributor, Tenant: "a"}, KeyRequest{Role: privacy.RoleContributor, Tenant: "a"}, privacy.CodeForbidden},
		{"nobody", privacy.Principal{}, KeyRequest{Role: privacy.RoleAnalyst}, privacy.CodeForbidden},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := open(t)
			key, secret, err := f.Create(t.Context(), tt.request, tt.by)
			if privacy.CodeOf(err) != tt.want {
				t.Fatalf("error = %v, want %q", err, tt.want)
			}
			if tt.want != "" {
				if secret != "" || len(f.list("")) != 0 {
					t.Error("a refused request left a key")
				}
				return
			}
			want := privacy.Principal{ID: key.ID, Name: tt.request.Name, Role: tt.request.Role, Tenant: tt.request.Tenant, Group: tt.request.Group}
			if got := f.accepted(secret); got != want {
				t.Errorf("principal = %+v, want %+v", got, want)
			}
		})
	}
}

func (f *fixture) list(tenant string) []Key {
	f.t.Helper()
	keys, err := f.elsewhere.List(f.t.Context(), tenant)
	f.ok(err)
	return keys
}

// Whatever is wrong with a key, the answer is the same to the letter.
func TestRefusalsLookAlike(t *testing.T) {
	f := open(t)
	expires := noon.Add(time.Minute)
	_, expired := f.create(KeyRequest{Role: privacy.RoleAnalyst, ExpiresAt: &expires})
	key, revoked := f.create(KeyRequest{Role: privacy.RoleAnalyst})
	_, good := f.create(KeyRequest{Role: privacy.RoleAnalyst})
	f.accepted(expired)
	f.ok(f.Revoke(t.Context(), key.ID, operator))
	f.at = expires
	f.accepted(good)
	for name, secret := range map[string]string{
		"empty": "", "expired": expired, "revoked": revoked, "unknown": newSecret(),
		"truncated": good[:len(good)-1], "longer": good + "a", "in capitals": strings.ToUpper(good),
		"without prefix": strings.TrimPrefix(good, Prefix), "a bit off": flip(good), "the key's id": key.ID,
		"huge": strings.Repeat("a", 1<<20), "NUL": Prefix + strings.Repeat("\x00", 52),
	} {
		_, err := f.elsewhere.Authenticate(t.Context(), secret)
		if err == nil || err.Error() != unauthenticated().Error() {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// flip changes the last bit of the first character after the prefix.
func flip(secret string) string {
	b := []byte(secret)
	b[len(Prefix)] ^= 1
	return string(b)
}

func TestTenantsKeys(t *testing.T) {
	f, ctx := open(t), t.Context()
	_, secret := f.create(KeyRequest{Role: privacy.RoleContributor, Tenant: "a"})
	_, other := f.create(KeyRequest{Role: privacy.RoleContributor, Tenant: "b"})
	f.ok(f.catalog.SetSuspended(ctx, "a", true, operator))
	f.refused(secret, privacy.CodeSuspended)
	f.ok(f.catalog.SetSuspended(ctx, "a", false, operator))
	f.accepted(secret)

	f.ok(f.catalog.DeleteTenant(ctx, "a", operator))
	f.refused(secret, privacy.CodeUnauthenticated)
	_, err := f.catalog.CreateTenant(ctx, "a", "", operator)
	f.ok(err)
	f.refused(secret, privacy.CodeUnauthenticated) // a namesake does not inherit it
	f.accepted(other)
}

// A key that is revoked says so even while its tenant is suspended: the holder
// of a stolen key learns nothing about the tenant.
func TestRevokedBeforeSuspended(t *testing.T) {
	f := open(t)
	key, secret := f.create(KeyRequest{Role: privacy.RoleContributor, Tenant: "a"})
	f.ok(f.Revoke(t.Context(), key.ID, operator))
	f.ok(f.catalog.SetSuspended(t.Context(), "a", true, operator))
	f.refused(secret, privacy.CodeUnauthenticated)
}

func TestRevoke(t *testing.T) {
	tests := []struct {
		name   string
		by     privacy.Principal
		tenant string
		want   privacy.Code
	}{
		{"an operator, any key", operator, "b", ""},
		{"an operator, a key without a tenant", operator, "", ""},
		{"a tenant admin, its tenant's key", adminA, "a", ""},
		{"a tenant admin, another tenant's key", adminA, "b", privacy.CodeNotFound},
		{"a tenant admin, a key without a tenant", adminA, "", privacy.CodeNotFound},
		{"a tenant admin without a tenant", privacy.Principal{Role: privacy.RoleTenantAdmin}, "", privacy.CodeNotFound},
		{"an analyst", privacy.Principal{Role: privacy.RoleAnalyst, Tenant: "a"}, "a", privacy.CodeForbidden},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, ctx := open(t), t.Context()
			key, secret := f.create(KeyRequest{Role: privacy.RoleAnalyst, Tenant: tt.tenant})
			if err := f.Revoke(ctx, key.ID, tt.by); privacy.CodeOf(err) != tt.want {
				t.Fatalf("error = %v, want %q", err, tt.want)
			}
			if tt.want != "" {
				f.accepted(secret)
				return
			}
			f.refused(secret, privacy.CodeUnauthenticated)
			f.at = noon.Add(time.Hour)
			f.ok(f.Revoke(ctx, key.ID, tt.by)) // again: nothing happens
			if at := f.list("")[0].RevokedAt; at == nil || !at.Equal(noon) {
				t.Errorf("revoked at %v, want %v", at, noon)
			}
		})
	}
	f := open(t)
	if err := f.Revoke(t.Context(), "key_unknown", operator); privacy.CodeOf(err) != privacy.CodeNotFound {
		t.Errorf("an unknown key: %v", err)
	}
}

func TestList(t *testing.T) {
	f := open(t)
	expires := noon.Add(time.Hour)
	first, _ := f.create(KeyRequest{Role: privacy.RoleContributor, Tenant: "a", Name: "nightly", ExpiresAt: &expires})
	f.at = noon.Add(time.Minute)
	second, _ := f.create(KeyRequest{Role: privacy.RoleAnalyst, Tenant: "a"})
	f.at = noon.Add(2 * time.Minute)
	third, _ := f.create(KeyRequest{Role: privacy.RoleAuditor})
	if diff := cmp.Diff([]Key{second, first}, f.list("a")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Key{third, second, first}, f.list("")); diff != "" {
		t.Error(diff)
	}
	if got := f.list("b"); len(got) != 0 {
		t.Errorf("tenant b has %v", got)
	}
}

// The store and the log must be of no use to whoever reads them.
func TestSecretIsNotStored(t *testing.T) {
	f, ctx := open(t), t.Context()
	key, secret := f.create(KeyRequest{Role: privacy.RoleTenantAdmin, Tenant: "a", Name: "Ada"})
	if !regexp.MustCompile(`^noised_[a-z2-7]{52}$`).MatchString(secret) {
		t.Errorf("secret = %q", secret)
	}
	if !strings.HasPrefix(key.ID, "key_") {
		t.Errorf("id = %q", key.ID)
	}
	f.ok(f.Revoke(ctx, key.ID, adminA))
	var leaves []string
	size, err := translog.Size(ctx, f.db)
	f.ok(err)
	for i := range size {
		leaf, err := translog.Entry(ctx, f.db, i)
		f.ok(err)
		if strings.Contains(string(leaf), `"kind":"key"`) {
			leaves = append(leaves, regexp.MustCompile(`,"salt":"[0-9a-f]{64}"`).ReplaceAllString(string(leaf), "")) // 256 random bits
		}
	}
	want := []string{
		`{"at":"2026-03-01T12:00:00Z","body":{"act":"create","by":"system","key":"` + key.ID + `","role":"tenant-admin","tenant":"a"},"kind":"key"}`,
		`{"at":"2026-03-01T12:00:00Z","body":{"act":"revoke","by":"key_admin_a","key":"` + key.ID + `","role":"tenant-admin","tenant":"a"},"kind":"key"}`,
	}
	if diff := cmp.Diff(want, leaves); diff != "" {
		t.Error(diff)
	}
	var found bool
	f.ok(f.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM api_keys WHERE instr(hash, ?) OR instr(name, ?) OR instr(id, ?))`,
		secret, secret, secret).Scan(&found))
	if found {
		t.Error("the secret is in the store")
	}
}

// A later version of the program cannot make a key mean something else.
func TestKeysCannotBeChanged(t *testing.T) {
	f, ctx := open(t), t.Context()
	end := noon.Add(time.Hour)
	key, _ := f.create(KeyRequest{Role: privacy.RoleAnalyst, Tenant: "a", ExpiresAt: &end})
	for _, change := range []string{
		`UPDATE api_keys SET role = 'operator', tenant = NULL WHERE id = ?`,
		`UPDATE api_keys SET tenant = 'b' WHERE id = ?`,
		`UPDATE api_keys SET hash = zeroblob(32) WHERE id = ?`,
		`UPDATE api_keys SET spends_with = 'others' WHERE id = ?`,
		`UPDATE api_keys SET principal = 'key_others' WHERE id = ?`,
		`UPDATE api_keys SET expires_at = 9000000000000000 WHERE id = ?`,
		`UPDATE api_keys SET expires_at = NULL WHERE id = ?`,
	} {
		err := f.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, change, key.ID)
			return err
		})
		if err == nil {
			t.Errorf("the store allowed %s", change)
		}
	}
}

// TestAKeysGroupIsItsPrincipals, in every process and in every list.
func TestAKeysGroupIsItsPrincipals(t *testing.T) {
	f := open(t)
	key, secret := f.create(KeyRequest{Role: privacy.RoleAnalyst, Group: "acme"})
	if p := f.accepted(secret); p.Group != "acme" {
		t.Errorf("the principal is %+v", p)
	}
	keys, err := f.List(t.Context(), "")
	f.ok(err)
	if len(keys) != 1 || keys[0].Group != "acme" || key.Group != "acme" {
		t.Errorf("the keys are %+v", keys)
	}
}

// TestATenantAdminCannotSpendForOthers: a key in somebody else's group would use
// up what that group has left, even after the others' keys are revoked.
func TestATenantAdminCannotSpendForOthers(t *testing.T) {
	f, ctx := open(t), t.Context()
	inGroup := func(group, tenant string, by privacy.Principal) error {
		_, _, err := f.Create(ctx, KeyRequest{Role: privacy.RoleAnalyst, Tenant: tenant, Group: group}, by)
		return err
	}
	f.ok(inGroup("ours", "a", adminA))
	f.ok(inGroup("ours", "a", adminA))
	other, _ := f.create(KeyRequest{Role: privacy.RoleAnalyst, Group: "nobodys"})
	f.ok(f.Revoke(ctx, other.ID, operator))
	adminB := privacy.Principal{ID: "key_admin_b", Role: privacy.RoleTenantAdmin, Tenant: "b"}
	for name, err := range map[string]error{
		"another tenant's": inGroup("ours", "b", adminB),
		"no tenant's":      inGroup("nobodys", "a", adminA),
	} {
		if privacy.CodeOf(err) != privacy.CodeConflict {
			t.Errorf("%s group: %v", name, err)
		}
	}
	f.ok(inGroup("ours", "b", operator))
}

func BenchmarkAuthenticate(b *testing.B) {
	f := open(b)
	_, secret := f.create(KeyRequest{Role: privacy.RoleContributor, Tenant: "a"})
	for b.Loop() {
		if _, err := f.Authenticate(b.Context(), secret); err != nil {
			b.Fatal(err)
		}
	}
}
