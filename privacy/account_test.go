package privacy

import (
	"testing"

	"pgregory.net/rapid"
)

func TestAccountNames(t *testing.T) {
	tests := map[string]Account{
		"tenant:dept_5":                    TenantAccount("dept_5"),
		"dataset:insteval":                 DatasetAccount("insteval"),
		"tenant-dataset:dept_5/insteval":   TenantDatasetAccount("dept_5", "insteval"),
		"tenant-principal:dept_5/key_01j9": TenantPrincipalAccount("dept_5", "key_01j9"),
		"tenant-principal:dept_5/oidc|a/b": TenantPrincipalAccount("dept_5", "oidc|a/b"),
	}
	for name, account := range tests {
		if got := account.String(); got != name {
			t.Errorf("%+v is named %q, want %q", account, got, name)
		}
		if got, err := ParseAccount(name); err != nil || got != account {
			t.Errorf("ParseAccount(%q) = %+v, %v", name, got, err)
		}
	}
}

func TestParseAccountRefuses(t *testing.T) {
	for _, s := range []string{
		"", ":", "tenant", "tenant:", "tenant:/", "tenant:a/b", "tenant:a/", "dataset:", "dataset:a/b", "dataset:/b",
		"tenant-dataset:a", "tenant-dataset:a/", "tenant-dataset:/b", "tenant-principal:a", "Tenant:a", " tenant:a", "group:a",
	} {
		if a, err := ParseAccount(s); CodeOf(err) != CodeInvalidRequest || a != (Account{}) {
			t.Errorf("ParseAccount(%q) = %+v, %v", s, a, err)
		}
	}
}

// TestAccountRoundTrip: every account of valid names is told apart from every
// other by its name, as it reads back the same.
func TestAccountRoundTrip(t *testing.T) {
	name := rapid.StringMatching(`[a-z][a-z0-9_-]{0,20}`)
	rapid.Check(t, func(r *rapid.T) {
		owner, subject := name.Draw(r, "owner"), rapid.StringN(1, 20, 40).Draw(r, "subject")
		for _, a := range []Account{
			TenantAccount(owner), DatasetAccount(owner),
			TenantDatasetAccount(owner, subject), TenantPrincipalAccount(owner, subject),
		} {
			if got, err := ParseAccount(a.String()); err != nil || got != a {
				r.Errorf("%+v reads back as %+v, %v", a, got, err)
			}
		}
	})
}

// FuzzParseAccount: whatever is accepted prints as what was read, and has an
// owner and, for two-part kinds only, a subject.
func FuzzParseAccount(f *testing.F) {
	for _, s := range []string{"tenant:a", "dataset:b", "tenant-dataset:a/b", "tenant-principal:a/b/c", "tenant:a/", ":/", "tenant-dataset:/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAccount(s)
		if err != nil {
			if CodeOf(err) != CodeInvalidRequest {
				t.Fatalf("error %v", err)
			}
			return
		}
		two := a.Kind == AccountTenantDataset || a.Kind == AccountTenantPrincipal
		if a.String() != s || a.Owner == "" || (a.Subject != "") != two {
			t.Errorf("%q became %+v, which prints %q", s, a, a.String())
		}
	})
}
