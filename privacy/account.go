package privacy

import "strings"

// AccountKind says whose loss an account caps.
type AccountKind string

// The kinds of account. Tenant accounts are required for every query; dataset
// accounts for datasets with scope person. Where a contract gives every period
// of rows a budget of its own, accounts per period take their place. The others
// exist where a budget admin set them.
const (
	AccountTenant          AccountKind = "tenant"
	AccountDataset         AccountKind = "dataset"
	AccountTenantDataset   AccountKind = "tenant-dataset"
	AccountTenantPrincipal AccountKind = "tenant-principal"
	AccountTenantGroup     AccountKind = "tenant-group"
	AccountTenantPeriod    AccountKind = "tenant-period"
	AccountDatasetPeriod   AccountKind = "dataset-period"
)

// Account names one budget account. Accounts outlive the tenants, datasets and
// keys they are named for, so that deleting and re-creating one never raises
// what is left.
type Account struct {
	Kind    AccountKind
	Owner   string // tenant or dataset name
	Subject string // dataset, principal, group or period for the two-part kinds; else empty
}

// TenantAccount is the account of everything a tenant's rows lose, those of
// datasets with budgets per period left out.
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

// TenantGroupAccount caps a tenant's loss towards a group of principals, who
// may pool what they learn.
func TenantGroupAccount(tenant, group string) Account {
	return Account{Kind: AccountTenantGroup, Owner: tenant, Subject: group}
}

// TenantPeriodAccount caps what a tenant's rows of one period of a dataset
// lose, e.g. "tenant-period:dept_5/sales@2024-03-01".
func TenantPeriodAccount(tenant, dataset, period string) Account {
	return Account{Kind: AccountTenantPeriod, Owner: tenant, Subject: dataset + periodMark + period}
}

// DatasetPeriodAccount caps what a person's rows of one period lose in a
// dataset with scope person.
func DatasetPeriodAccount(dataset, period string) Account {
	return Account{Kind: AccountDatasetPeriod, Owner: dataset, Subject: period}
}

// periodMark stands between dataset and period. Names of datasets do not hold
// it, so the first one ends the dataset.
const periodMark = "@"

// Tenant returns the tenant whose rows the account guards; false for the
// accounts of a dataset.
func (a Account) Tenant() (string, bool) {
	if a.Kind == AccountDataset || a.Kind == AccountDatasetPeriod {
		return "", false
	}
	return a.Owner, true
}

// Period returns the dataset and the period of an account per period.
func (a Account) Period() (dataset, period string, ok bool) {
	switch a.Kind {
	case AccountTenantPeriod:
		return strings.Cut(a.Subject, periodMark)
	case AccountDatasetPeriod:
		return a.Owner, a.Subject, true
	default:
		return "", "", false
	}
}

// Parent returns the account whose cap, window and lifetime ceiling an account
// per period takes over; false for every other kind.
func (a Account) Parent() (Account, bool) {
	switch a.Kind {
	case AccountTenantPeriod:
		return TenantAccount(a.Owner), true
	case AccountDatasetPeriod:
		return DatasetAccount(a.Owner), true
	default:
		return Account{}, false
	}
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
	case AccountTenantDataset, AccountTenantPrincipal, AccountTenantGroup, AccountDatasetPeriod:
		ok = ok && owner != "" && subject != ""
	case AccountTenantPeriod:
		dataset, period, marked := a.Period()
		ok = ok && owner != "" && marked && dataset != "" && period != ""
	default:
		ok = false
	}
	if !ok {
		return Account{}, Errorf(CodeInvalidRequest, "%q is not an account name", s)
	}
	return a, nil
}
