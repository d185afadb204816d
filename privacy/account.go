package privacy

import "strings"

// AccountKind says whose loss an account caps.
type AccountKind string

// The kinds of account. Tenant accounts are required for every query; dataset
// accounts for datasets with scope person; the others exist where a budget
// admin set them.
const (
	AccountTenant          AccountKind = "tenant"
	AccountDataset         AccountKind = "dataset"
	AccountTenantDataset   AccountKind = "tenant-dataset"
	AccountTenantPrincipal AccountKind = "tenant-principal"
)

// Account names one budget account. Accounts outlive the tenants, datasets and
// keys they are named for, so that deleting and re-creating one never raises
// what is left.
type Account struct {
	Kind    AccountKind
	Owner   string // tenant or dataset name
	Subject string // dataset or principal for the two-part kinds; else empty
}

// TenantAccount is the account of everything a tenant's rows lose.
func TenantAccount(tenant string) Account { return Account{Kind: AccountTenant, Owner: tenant} }

// DatasetAccount caps a person's whole loss in a dataset with scope person.
func DatasetAccount(dataset string) Account { return Account{Kind: AccountDataset, Owner: dataset} }

// TenantDatasetAccount caps a tenant's loss through one dataset.
func TenantDatasetAccount(tenant, dataset string) Account {
	return Account{Kind: AccountTenantDataset, Owner: tenant, Subject: dataset}
}

// TenantPrincipalAccount caps a tenant's loss towards one principal.
func TenantPrincipalAccount(tenant, principal string) Account {
	return Account{Kind: AccountTenantPrincipal, Owner: tenant, Subject: principal}
}

// String returns the stable name under which the account is stored and shown,
// e.g. "tenant:dept_5" or "tenant-dataset:dept_5/insteval".
func (a Account) String() string {
	if a.Subject == "" {
		return string(a.Kind) + ":" + a.Owner
	}
	return string(a.Kind) + ":" + a.Owner + "/" + a.Subject
}

// ParseAccount is the inverse of Account.String.
func ParseAccount(s string) (Account, error) {
	kind, rest, ok := strings.Cut(s, ":")
	owner, subject, two := strings.Cut(rest, "/")
	a := Account{Kind: AccountKind(kind), Owner: owner, Subject: subject}
	switch a.Kind {
	case AccountTenant, AccountDataset:
		ok = ok && owner != "" && !two
	case AccountTenantDataset, AccountTenantPrincipal:
		ok = ok && owner != "" && subject != ""
	default:
		ok = false
	}
	if !ok {
		return Account{}, Errorf(CodeInvalidRequest, "%q is not an account name", s)
	}
	return a, nil
}
