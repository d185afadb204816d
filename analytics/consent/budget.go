package consent

import (
	"context"
	"database/sql"
	"encoding/json"
	"maps"
	"slices"

	"github.com/noised/noised/analytics/consent/effect"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger"
)

// defaultEntry is the name under which the caps within a tenant's budget hold the
// cap of accounts without one of their own.
const defaultEntry = "default"

// Budget is what an account may lose, and of a tenant's what is left of that for
// single datasets, principals and groups.
type Budget struct {
	Cap          privacy.Loss            `json:"cap"`
	Window       privacy.Window          `json:"window"`
	Lifetime     *privacy.Loss           `json:"lifetime,omitempty"`
	PerDataset   map[string]privacy.Loss `json:"per_dataset,omitempty"`
	PerPrincipal map[string]privacy.Loss `json:"per_principal,omitempty"`
	PerGroup     map[string]privacy.Loss `json:"per_group,omitempty"`
}

// budgetChange sets the budget of a tenant or of a dataset.
type budgetChange struct {
	s       *Service
	account privacy.Account
	budget  Budget
}

func (c *budgetChange) about() (Kind, string, string) {
	if c.account.Kind == privacy.AccountDataset {
		return KindDatasetBudget, c.account.Owner, ""
	}
	return KindTenantBudget, "", c.account.Owner
}

func (c *budgetChange) document() ([]byte, error) { return json.Marshal(c.budget) }

// entry is one cap within a tenant's budget.
type entry struct {
	kind privacy.AccountKind
	name string
	cap  privacy.Loss
}

// account of an entry; the default's is named like it, and is never opened.
func (e entry) account(tenant string) privacy.Account {
	return privacy.Account{Kind: e.kind, Owner: tenant, Subject: e.name}
}

// entries lists the caps within the budget in a fixed order.
func (b Budget) entries() (all []entry) {
	for _, of := range []struct {
		kind privacy.AccountKind
		caps map[string]privacy.Loss
	}{
		{privacy.AccountTenantDataset, b.PerDataset},
		{privacy.AccountTenantPrincipal, b.PerPrincipal},
		{privacy.AccountTenantGroup, b.PerGroup},
	} {
		for _, name := range slices.Sorted(maps.Keys(of.caps)) {
			all = append(all, entry{of.kind, name, of.caps[name]})
		}
	}
	return all
}

// effect: the account itself allows nothing before it is opened; those within it
// are limits on top of it, and the first of them narrows.
func (c *budgetChange) effect(ctx context.Context, tx *sql.Tx) ([]effect.Change, error) {
	was, err := c.capOf(ctx, tx, c.account)
	if err != nil {
		return nil, err
	}
	window := c.budget.Window
	if window == "" {
		window = privacy.WindowNone
	}
	all := effect.Account(c.account, was, effect.Cap{Loss: c.budget.Cap, Window: window}, true)
	for _, e := range c.budget.entries() {
		was, err := c.entryOf(ctx, tx, e)
		if err != nil {
			return nil, err
		}
		all = append(all, effect.Account(e.account(c.account.Owner), was, effect.Cap{Loss: e.cap, Window: privacy.WindowNone}, false)...)
	}
	return all, nil
}

func (c *budgetChange) capOf(ctx context.Context, tx *sql.Tx, a privacy.Account) (*effect.Cap, error) {
	st, err := c.s.ledger.StateIn(ctx, tx, a)
	if privacy.CodeOf(err) == privacy.CodeNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &effect.Cap{Loss: st.Cap, Window: st.Window}, nil
}

// entryOf returns what caps an entry's account now: its own cap, else the default.
func (c *budgetChange) entryOf(ctx context.Context, tx *sql.Tx, e entry) (*effect.Cap, error) {
	if e.name != defaultEntry {
		own, err := c.capOf(ctx, tx, e.account(c.account.Owner))
		if own != nil || err != nil {
			return own, err
		}
	}
	limit, err := c.s.ledger.DefaultIn(ctx, tx, e.kind, c.account.Owner)
	if limit == nil || err != nil {
		return nil, err
	}
	return &effect.Cap{Loss: *limit, Window: privacy.WindowNone}, nil
}

// clause: a tenant's budget is for every dataset that it is a member of, and so
// the strictest of their contracts decides.
func (c *budgetChange) clause(ctx context.Context, tx *sql.Tx) (clause, error) {
	if c.account.Kind == privacy.AccountDataset {
		a, err := c.s.catalog.AgreedIn(ctx, tx, c.account.Owner)
		if err != nil {
			return clause{}, err
		}
		return ofMembers(a.Latest.Approvals, a.Members, privacy.RoleBudgetAdmin), nil
	}
	datasets, err := c.s.catalog.MembershipsIn(ctx, tx, c.account.Owner)
	if err != nil {
		return clause{}, err
	}
	all := clause{proposerMay: true}
	count := 0
	for _, name := range datasets {
		a, err := c.s.catalog.AgreedIn(ctx, tx, name)
		if err != nil {
			return clause{}, err
		}
		said := a.Latest.Approvals
		if said == nil || said.BudgetAdmins == 0 {
			continue
		}
		if count == 0 || said.ExpiresAfter < all.expires {
			all.expires = said.ExpiresAfter
		}
		count = max(count, said.BudgetAdmins)
		all.proposerMay = all.proposerMay && said.ProposerMay
	}
	if count > 0 {
		all.needs = []Need{{Tenant: c.account.Owner, Role: privacy.RoleBudgetAdmin, Count: count}}
	}
	return all, nil
}

func (c *budgetChange) apply(ctx context.Context, tx *sql.Tx, by privacy.Principal) error {
	b := c.budget
	if err := c.s.ledger.SetBudgetIn(ctx, tx, c.account, ledger.Budget{Cap: b.Cap, Window: b.Window, Lifetime: b.Lifetime}, by); err != nil {
		return err
	}
	for _, e := range b.entries() {
		var err error
		if e.name == defaultEntry {
			err = c.s.ledger.SetDefaultIn(ctx, tx, e.kind, c.account.Owner, &e.cap, by)
		} else {
			err = c.s.ledger.SetBudgetIn(ctx, tx, e.account(c.account.Owner), ledger.Budget{Cap: e.cap, Window: privacy.WindowNone}, by)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
