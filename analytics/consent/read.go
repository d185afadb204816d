package consent

import (
	"context"
	"database/sql"
	"errors"

	"github.com/noised/noised/privacy"
)

// seen selects the proposals that a principal may know of: everybody's for the
// operator and for auditors of no tenant (?1 is true), else those of its tenant
// (?2), by its tenant, and those about datasets that its tenant is a member of.
// Others' budgets are not theirs to see.
const seen = `(?1 OR p.tenant = ?2 OR p.by_tenant = ?2 OR p.kind <> 'tenant-budget'
	AND EXISTS (SELECT 1 FROM members m WHERE m.dataset = p.dataset AND m.tenant = ?2))`

func seesAll(p privacy.Principal) bool {
	return p.Tenant == "" && p.Is(privacy.RoleOperator, privacy.RoleAuditor)
}

func notFound() error { return privacy.Errorf(privacy.CodeNotFound, "there is no such proposal") }

// visible loads a proposal that a principal may know of.
func (s *Service) visible(ctx context.Context, tx *sql.Tx, id string, by privacy.Principal) (*Proposal, error) {
	if !seesAll(by) && by.Tenant == "" {
		return nil, notFound()
	}
	p, err := scan(tx.QueryRowContext(ctx, `SELECT `+proposalColumns+` FROM proposals p WHERE `+seen+` AND p.id = ?3`, seesAll(by), by.Tenant, id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, notFound()
	}
	if err != nil {
		return nil, privacy.Internal(err, "reading a proposal")
	}
	return p, s.complete(ctx, tx, p)
}

// Get returns a proposal, CodeNotFound for what the caller may not know of.
func (s *Service) Get(ctx context.Context, id string, by privacy.Principal) (p *Proposal, err error) {
	err = s.view(ctx, func(ctx context.Context, tx *sql.Tx) error {
		p, err = s.visible(ctx, tx, id, by)
		return err
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// List returns the proposals that the caller may know of, newest first, those of
// one stored state if one is named, and the cursor of the next page.
func (s *Service) List(ctx context.Context, by privacy.Principal, state State, cursor string, limit int) (page []Proposal, next string, err error) {
	if !seesAll(by) && by.Tenant == "" {
		return []Proposal{}, "", nil
	}
	err = s.view(ctx, func(ctx context.Context, tx *sql.Tx) error {
		page, next, err = s.page(ctx, tx, by, state, cursor, limit)
		return err
	})
	return page, next, err
}

func (s *Service) page(ctx context.Context, tx *sql.Tx, by privacy.Principal, state State, cursor string, limit int) (page []Proposal, next string, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT `+proposalColumns+` FROM proposals p WHERE `+seen+`
		AND (?3 = '' OR p.state = ?3) AND (?4 = '' OR p.seq < (SELECT c.seq FROM proposals c WHERE c.id = ?4)) ORDER BY p.seq DESC LIMIT ?5`,
		seesAll(by), by.Tenant, string(state), cursor, limit+1)
	if err != nil {
		return nil, "", privacy.Internal(err, "listing proposals")
	}
	defer func() { _ = rows.Close() }()
	page = []Proposal{}
	for rows.Next() {
		p, err := scan(rows)
		if err != nil {
			return nil, "", privacy.Internal(err, "listing proposals")
		}
		page = append(page, *p)
	}
	if err := rows.Err(); err != nil {
		return nil, "", privacy.Internal(err, "listing proposals")
	}
	_ = rows.Close() // before the next statement
	if len(page) > limit {
		page = page[:limit]
		next = page[limit-1].ID
	}
	for i := range page {
		if err := s.complete(ctx, tx, &page[i]); err != nil {
			return nil, "", err
		}
	}
	return page, next, nil
}

// view reads, once what is over is on record as such.
func (s *Service) view(ctx context.Context, read func(ctx context.Context, tx *sql.Tx) error) error {
	var over bool
	err := s.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM proposals WHERE state = 'pending' AND expires_at <= ?)`, s.now().UnixMicro()).Scan(&over)
	if err != nil {
		return privacy.Internal(err, "reading proposals")
	}
	if over {
		if err := s.db.InTx(ctx, s.expire); err != nil {
			return err
		}
	}
	return s.db.View(ctx, read)
}

// Tenants returns whom a proposal concerns, for the record of who was refused it.
func (s *Service) Tenants(ctx context.Context, id string) (tenants []string, err error) {
	rows, err := s.db.QueryContext(ctx, `SELECT p.tenant FROM proposals p WHERE p.id = ?1 AND p.tenant <> ''
		UNION SELECT m.tenant FROM proposals p JOIN members m ON m.dataset = p.dataset WHERE p.id = ?1 ORDER BY 1`, id)
	if err != nil {
		return nil, privacy.Internal(err, "reading a proposal")
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var t string
		if err := rows.Scan(&t); err != nil {
			return nil, privacy.Internal(err, "reading a proposal")
		}
		tenants = append(tenants, t)
	}
	if err := rows.Err(); err != nil {
		return nil, privacy.Internal(err, "reading a proposal")
	}
	return tenants, nil
}
