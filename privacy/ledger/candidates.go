package ledger

import (
	"slices"
	"strconv"
	"strings"

	"github.com/noised/noised/privacy"
)

// required names the accounts without which a request is refused: the tenants'
// and the dataset's, or in their place those of each period that is read.
func (r Request) required() []privacy.Account {
	accounts := make([]privacy.Account, 0, r.requiredCount())
	for _, t := range r.Tenants {
		if len(r.Periods) == 0 {
			accounts = append(accounts, privacy.TenantAccount(t))
		}
		for _, p := range r.Periods {
			accounts = append(accounts, privacy.TenantPeriodAccount(t, r.Dataset, p))
		}
	}
	if r.DatasetAccount && len(r.Periods) == 0 {
		accounts = append(accounts, privacy.DatasetAccount(r.Dataset))
	}
	if r.DatasetAccount {
		for _, p := range r.Periods {
			accounts = append(accounts, privacy.DatasetPeriodAccount(r.Dataset, p))
		}
	}
	return accounts
}

// requiredCount returns how many accounts required names.
func (r Request) requiredCount() int {
	owners := len(r.Tenants)
	if r.DatasetAccount {
		owners++
	}
	return owners * max(1, len(r.Periods))
}

// optional names the accounts of some kinds that a request debits where they exist
// or a default opens them.
func (r Request) optional(of kinds) (accounts []privacy.Account) {
	if of[privacy.AccountTenantDataset] {
		for _, t := range r.Tenants {
			accounts = append(accounts, privacy.TenantDatasetAccount(t, r.Dataset))
		}
	}
	return append(accounts, r.towards(of)...)
}

// towards names the optional accounts that cap what the asking principal, and
// its group, learn.
func (r Request) towards(of kinds) (accounts []privacy.Account) {
	for _, t := range r.Tenants {
		if of[privacy.AccountTenantPrincipal] {
			accounts = append(accounts, privacy.TenantPrincipalAccount(t, r.Principal))
		}
		if of[privacy.AccountTenantGroup] && r.Group != "" {
			accounts = append(accounts, privacy.TenantGroupAccount(t, r.Group))
		}
	}
	return accounts
}

// candidates names every account that a request may debit, and those that decide
// whether it may open one.
func (r Request) candidates(of kinds) []privacy.Account {
	required := r.required()
	return slices.Concat(required, parentsOf(required), r.optional(of))
}

// cohort is what decides which accounts a request touches. Charges that come
// together are mostly alike.
type cohort struct {
	tenants, periods string // lists
	dataset          string
	datasetAccount   bool
	principal, group string
}

// cohortOf returns the cohort of a request in its normal form.
func cohortOf(r Request) cohort {
	return cohort{list(r.Tenants), list(r.Periods), r.Dataset, r.DatasetAccount, r.Principal, r.Group}
}

// list writes names as one text from which they can be told again, whatever they
// hold.
func list(names []string) string {
	var out strings.Builder
	size := 0
	for _, n := range names {
		size += len(n) + len("100:")
	}
	out.Grow(size)
	for _, n := range names {
		out.WriteString(strconv.Itoa(len(n)))
		out.WriteByte(':')
		out.WriteString(n)
	}
	return out.String()
}

// distinct returns names in order and without repeats: a tenant named twice pays
// once. Most come that way, and are returned as they are.
func distinct(names []string) []string {
	for i := 1; i < len(names); i++ {
		if names[i-1] >= names[i] {
			names = slices.Clone(names)
			slices.Sort(names)
			return slices.Compact(names)
		}
	}
	return names
}
