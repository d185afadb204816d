package consent

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/noised/noised/analytics/consent/effect"
	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/contractparse"
	"github.com/noised/noised/privacy"
)

// change is something that may have to be agreed on. Its methods see the store as
// the transaction finds it.
type change interface {
	about() (kind Kind, dataset, tenant string)
	document() ([]byte, error)
	effect(ctx context.Context, tx *sql.Tx) ([]effect.Change, error)
	clause(ctx context.Context, tx *sql.Tx) (clause, error)
	apply(ctx context.Context, tx *sql.Tx, by privacy.Principal) error
}

// clause is who must agree to a change, if it widens.
type clause struct {
	needs       []Need
	expires     time.Duration
	proposerMay bool
}

// ofMembers is the clause of what concerns a whole dataset: every member by one of
// its admins where the contract says so, else as many budget admins of the members
// as it names. A dataset without members concerns nobody yet.
func ofMembers(a *contract.Approvals, members []string, role privacy.Role) clause {
	if a == nil {
		return clause{}
	}
	c := clause{expires: a.ExpiresAfter, proposerMay: a.ProposerMay}
	switch {
	case a.Tenants:
		for _, m := range members {
			c.needs = append(c.needs, Need{Tenant: m, Role: role, Count: 1})
		}
	case len(members) > 0:
		c.needs = []Need{{Role: privacy.RoleBudgetAdmin, Count: a.BudgetAdmins, members: members}}
	}
	return c
}

// read returns the change that a proposal keeps.
func (s *Service) read(p *Proposal) (c change, err error) {
	switch p.Kind {
	case KindContract:
		parsed, err := contractparse.Parse(p.Document)
		return &contractChange{s, parsed, p.Document}, err
	case KindMember:
		m := &memberChange{s: s, dataset: p.Dataset, tenant: p.Tenant}
		return m, json.Unmarshal(p.Document, &m.doc)
	case KindTemplate:
		var doc templateDocument
		err := json.Unmarshal(p.Document, &doc)
		return &templateChange{s, p.Dataset, doc.Name, doc.Template}, err
	case KindTenantBudget, KindDatasetBudget:
		b := &budgetChange{s: s, account: privacy.TenantAccount(p.Tenant)}
		if p.Kind == KindDatasetBudget {
			b.account = privacy.DatasetAccount(p.Dataset)
		}
		return b, json.Unmarshal(p.Document, &b.budget)
	}
	return nil, privacy.Errorf(privacy.CodeInternal, "unknown kind of proposal")
}

// contractChange puts a version of a contract.
type contractChange struct {
	s      *Service
	parsed *contract.Contract
	doc    []byte
}

func (c *contractChange) about() (Kind, string, string) { return KindContract, c.parsed.Dataset, "" }
func (c *contractChange) document() ([]byte, error)     { return c.doc, nil }

// effect: the first version of a contract changes nothing for anybody.
func (c *contractChange) effect(ctx context.Context, tx *sql.Tx) ([]effect.Change, error) {
	a, err := c.s.catalog.AgreedIn(ctx, tx, c.parsed.Dataset)
	if privacy.CodeOf(err) == privacy.CodeUnknownDataset {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if c.parsed.Version != a.Latest.Version+1 {
		return nil, privacy.Errorf(privacy.CodeConflict, "the next version of dataset %q is %d, not %d", c.parsed.Dataset, a.Latest.Version+1, c.parsed.Version)
	}
	return effect.Contracts(a.Latest, c.parsed), nil
}

func (c *contractChange) clause(ctx context.Context, tx *sql.Tx) (clause, error) {
	a, err := c.s.catalog.AgreedIn(ctx, tx, c.parsed.Dataset)
	if err != nil {
		return clause{}, err
	}
	return ofMembers(a.Latest.Approvals, a.Members, privacy.RoleTenantAdmin), nil
}

func (c *contractChange) apply(ctx context.Context, tx *sql.Tx, by privacy.Principal) error {
	if err := c.opens(ctx, tx); err != nil {
		return err
	}
	return c.s.catalog.PutDatasetIn(ctx, tx, c.parsed, c.doc, by)
}

// memberChange lets a tenant accept a version of a contract.
type memberChange struct {
	s               *Service
	dataset, tenant string
	doc             struct {
		Version int `json:"version"`
	}
}

func (c *memberChange) about() (Kind, string, string) { return KindMember, c.dataset, c.tenant }
func (c *memberChange) document() ([]byte, error)     { return json.Marshal(c.doc) }

// effect: which of the versions a member accepts concerns itself alone. Each was
// agreed on when it was put.
func (c *memberChange) effect(ctx context.Context, tx *sql.Tx) ([]effect.Change, error) {
	a, err := c.s.catalog.AgreedIn(ctx, tx, c.dataset)
	if err != nil {
		return nil, err
	}
	for _, m := range a.Members {
		if m == c.tenant {
			return nil, nil
		}
	}
	return effect.Member(c.dataset, c.tenant, c.doc.Version), nil
}

func (c *memberChange) clause(ctx context.Context, tx *sql.Tx) (clause, error) {
	a, err := c.s.catalog.AgreedIn(ctx, tx, c.dataset)
	if err != nil {
		return clause{}, err
	}
	return ofMembers(a.Latest.Approvals, a.Members, privacy.RoleTenantAdmin), nil
}

func (c *memberChange) apply(ctx context.Context, tx *sql.Tx, by privacy.Principal) error {
	return c.s.catalog.AcceptIn(ctx, tx, c.dataset, c.tenant, c.doc.Version, by)
}
