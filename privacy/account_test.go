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
		"tenant-group:dept_5/acme":         TenantGroupAccount("dept_5", "acme"),

		"tenant-period:dept_5/sales@2024-03-01": TenantPeriodAccount("dept_5", "sales", "2024-03-01"),
		"tenant-period:dept_5/sales@other":      TenantPeriodAccount("dept_5", "sales", "other"),
		"dataset-period:sales/2024-03-01":       DatasetPeriodAccount("sales", "2024-03-01"),
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
		"tenant-group:a", "tenant-group:/g", "tenant-period:a", "tenant-period:a/d", "tenant-period:a/d@", "tenant-period:a/@p", "tenant-period:/d@p",
		"dataset-period:d", "dataset-period:d/", "dataset-period:/p",
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
			TenantDatasetAccount(owner, subject), TenantPrincipalAccount(owner, subject), TenantGroupAccount(owner, subject),
			TenantPeriodAccount(owner, owner, subject), DatasetPeriodAccount(owner, subject),
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
	for _, s := range []string{"tenant:a", "dataset:b", "tenant-dataset:a/b", "tenant-principal:a/b/c", "tenant:a/", ":/", "tenant-dataset:/",
		"tenant-group:a/g", "tenant-period:a/d@2024-03-01", "tenant-period:a/@", "dataset-period:d/other"} {
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
		two := a.Kind != AccountTenant && a.Kind != AccountDataset
		if a.String() != s || a.Owner == "" || (a.Subject != "") != two {
			t.Errorf("%q became %+v, which prints %q", s, a, a.String())
		}
	})
}

// TestWhoseAccountsPerPeriodAre: an account per period belongs to the account
// that gives it its cap, and names its dataset and period.
func TestWhoseAccountsPerPeriodAre(t *testing.T) {
	tests := []struct {
		account         Account
		tenant          string
		parent          Account
		dataset, period string
	}{
		{TenantAccount("a"), "a", Account{}, "", ""},
		{DatasetAccount("d"), "", Account{}, "", ""},
		{TenantDatasetAccount("a", "d"), "a", Account{}, "", ""},
		{TenantPrincipalAccount("a", "key_p"), "a", Account{}, "", ""},
		{TenantGroupAccount("a", "g"), "a", Account{}, "", ""},
		{TenantPeriodAccount("a", "d", "2024-03-01"), "a", TenantAccount("a"), "d", "2024-03-01"},
		{DatasetPeriodAccount("d", "other"), "", DatasetAccount("d"), "d", "other"},
	}
	for _, tt := range tests {
		tenant, own := tt.account.Tenant()
		parent, hasParent := tt.account.Parent()
		dataset, period, isPeriod := tt.account.Period()
		if tenant != tt.tenant || own != (tt.tenant != "") || parent != tt.parent || dataset != tt.dataset || period != tt.period ||
			hasParent != isPeriod || isPeriod != (tt.period != "") {
			t.Errorf("%s: tenant %q, %v; parent %v, %v; period %q of %q, %v", tt.account, tenant, own, parent, hasParent, period, dataset, isPeriod)
		}
	}
}
