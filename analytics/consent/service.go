package consent

import (
	"context"
	"database/sql"
	"encoding/json"
	"reflect"
	"time"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/consent/effect"
	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/ledger"
)

// maxPending is how many proposals of one principal may wait at a time.
const maxPending = 100

// Service makes changes, or keeps them until they are agreed on. It is safe for
// concurrent use, by several processes that share the store too.
type Service struct {
	db      *controldb.DB
	catalog *catalog.Catalog
	ledger  *ledger.Ledger
	now     func() time.Time
}

// New returns the service over a control store.
func New(db *controldb.DB, c *catalog.Catalog, l *ledger.Ledger, now func() time.Time) *Service {
	return &Service{db: db, catalog: c, ledger: l, now: now}
}

// PutDataset adds a version of a contract, as the catalog does. Where it widens
// what members agreed on, and their contract names approvals, it returns the
// proposal that waits for them, and nothing has changed.
func (s *Service) PutDataset(ctx context.Context, parsed *contract.Contract, doc []byte, by privacy.Principal) (*Proposal, error) {
	return s.submit(ctx, &contractChange{s, parsed, doc}, by)
}

// Accept lets a tenant accept a version of a contract, as the catalog does, or
// returns the proposal to join that waits for the members.
func (s *Service) Accept(ctx context.Context, dataset, tenant string, version int, by privacy.Principal) (*Proposal, error) {
	c := &memberChange{s: s, dataset: dataset, tenant: tenant}
	c.doc.Version = version
	return s.submit(ctx, c, by)
}

// SetBudget sets the budget of a tenant or a dataset, all of it or nothing, or
// returns the proposal of a larger one.
func (s *Service) SetBudget(ctx context.Context, account privacy.Account, b Budget, by privacy.Principal) (*Proposal, error) {
	return s.submit(ctx, &budgetChange{s, account, b}, by)
}

// submit makes a change, or keeps it as a proposal. A change that could not be
// made now is refused as it would be then.
func (s *Service) submit(ctx context.Context, c change, by privacy.Principal) (p *Proposal, err error) {
	err = s.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		p = nil
		if err := s.expire(ctx, tx); err != nil {
			return err
		}
		effects, err := c.effect(ctx, tx)
		if err != nil {
			return err
		}
		var who clause
		if effect.Widens(effects) {
			if who, err = c.clause(ctx, tx); err != nil {
				return err
			}
		}
		if len(who.needs) == 0 {
			return c.apply(ctx, tx, by)
		}
		if err := try(ctx, tx, func() error { return c.apply(ctx, tx, by) }); err != nil {
			return err
		}
		p, err = s.propose(ctx, tx, c, effects, who, by)
		return err
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// try reports what f would do, and undoes it.
func try(ctx context.Context, tx *sql.Tx, f func() error) error {
	if _, err := tx.ExecContext(ctx, `SAVEPOINT try`); err != nil {
		return privacy.Internal(err, "trying a change")
	}
	if err := f(); err != nil {
		return err // the whole transaction goes
	}
	for _, undo := range []string{`ROLLBACK TO try`, `RELEASE try`} {
		if _, err := tx.ExecContext(ctx, undo); err != nil {
			return privacy.Internal(err, "undoing a change that was tried")
		}
	}
	return nil
}

// propose keeps a change. The same one again, by the same principal, is the
// proposal that is there.
func (s *Service) propose(ctx context.Context, tx *sql.Tx, c change, effects []effect.Change, who clause, by privacy.Principal) (*Proposal, error) {
	doc, err := c.document()
	if err != nil {
		return nil, privacy.Internal(err, "write a proposal")
	}
	now := s.now().UTC().Truncate(time.Microsecond)
	p := &Proposal{
		ID: privacy.NewID("prop"), By: by, Document: doc, Effect: effects, Required: who.needs, State: StatePending,
		CreatedAt: now, ExpiresAt: now.Add(who.expires), Signatures: []Signature{},
	}
	p.Kind, p.Dataset, p.Tenant = c.about()
	before, pending, err := same(ctx, tx, p)
	if err != nil {
		return nil, err
	}
	if before != "" {
		return s.load(ctx, tx, before)
	}
	if pending >= maxPending {
		return nil, privacy.Errorf(privacy.CodeConflict, "%d proposals of yours wait already: withdraw some", pending)
	}
	settle(p.Required, nil)
	if err := insert(ctx, tx, p); err != nil {
		return nil, err
	}
	return p, s.log(ctx, tx, "propose", p, by.ID)
}

// Approve signs a proposal, and makes the change if no signature is missing any
// more. CodeNotFound is the answer to whoever may not know of it, CodeForbidden to
// whoever is not asked, CodeConflict where it is decided, signed already, or no
// longer what it shows.
func (s *Service) Approve(ctx context.Context, id string, by privacy.Principal) (*Proposal, error) {
	return s.act(ctx, id, by, func(ctx context.Context, tx *sql.Tx, p *Proposal) error {
		c, err := s.read(p)
		if err != nil {
			return privacy.Internal(err, "read a proposal")
		}
		if holds, err := s.holds(ctx, tx, p, c); err != nil || !holds {
			return err
		}
		who, err := c.clause(ctx, tx)
		if err != nil {
			return err
		}
		if err := s.sign(ctx, tx, p, who, by); err != nil {
			return err
		}
		if !settle(who.needs, p.Signatures) {
			return nil
		}
		if err := c.apply(ctx, tx, p.By); err != nil {
			return err
		}
		return s.decide(ctx, tx, p, StateApplied, by.ID)
	})
}

// holds ends a proposal that is no longer what whoever signs is shown, and one
// whose author no longer stands.
func (s *Service) holds(ctx context.Context, tx *sql.Tx, p *Proposal, c change) (bool, error) {
	now, err := c.effect(ctx, tx)
	switch {
	case privacy.CodeOf(err) == privacy.CodeConflict: // another version has taken its place
		return false, s.decide(ctx, tx, p, StateExpired, "")
	case err != nil:
		return false, err
	}
	ends, err := ended(ctx, tx, p.By.ID, p.By.Tenant, p.CreatedAt)
	if err != nil {
		return false, err
	}
	if ends || !sameEffect(p.Effect, now) {
		return false, s.decide(ctx, tx, p, StateExpired, "")
	}
	return true, nil
}

// sameEffect compares an effect that was kept with one that was just computed.
func sameEffect(kept, now []effect.Change) bool {
	text, err := json.Marshal(now)
	if err != nil {
		return false
	}
	var again []effect.Change
	return json.Unmarshal(text, &again) == nil && reflect.DeepEqual(kept, again)
}

// sign adds a signature, unless it is there and nothing else is missing.
func (s *Service) sign(ctx context.Context, tx *sql.Tx, p *Proposal, who clause, by privacy.Principal) error {
	complete := settle(who.needs, p.Signatures)
	if complete && (by.ID == p.By.ID || signedBy(p, by.ID)) {
		return nil
	}
	switch {
	case !mayDecide(who.needs, by):
		return privacy.Errorf(privacy.CodeForbidden, "this waits for others")
	case by.ID == p.By.ID && !who.proposerMay:
		return privacy.Errorf(privacy.CodeForbidden, "whoever proposes a change does not sign it: a second person must")
	case signedBy(p, by.ID):
		return privacy.Errorf(privacy.CodeConflict, "you have signed this already")
	}
	sig := Signature{Principal: by.ID, Tenant: by.Tenant, Role: by.Role, At: s.now().UTC().Truncate(time.Microsecond), Counts: true}
	if err := insertSignature(ctx, tx, p.ID, sig); err != nil {
		return err
	}
	p.Signatures = append(p.Signatures, sig)
	return s.log(ctx, tx, "approve", p, by.ID)
}

func signedBy(p *Proposal, principal string) bool {
	for _, sig := range p.Signatures {
		if sig.Principal == principal {
			return true
		}
	}
	return false
}

// Reject ends a proposal: one who must agree does not.
func (s *Service) Reject(ctx context.Context, id string, by privacy.Principal) (*Proposal, error) {
	return s.act(ctx, id, by, func(ctx context.Context, tx *sql.Tx, p *Proposal) error {
		if !mayDecide(p.Required, by) {
			return privacy.Errorf(privacy.CodeForbidden, "this waits for others")
		}
		return s.decide(ctx, tx, p, StateRejected, by.ID)
	})
}

// Withdraw takes a proposal back. Whoever made it may, and who acts for the same.
func (s *Service) Withdraw(ctx context.Context, id string, by privacy.Principal) (*Proposal, error) {
	return s.act(ctx, id, by, func(ctx context.Context, tx *sql.Tx, p *Proposal) error {
		if by.ID != p.By.ID && (by.Role != p.By.Role || by.Tenant != p.By.Tenant) {
			return privacy.Errorf(privacy.CodeForbidden, "a proposal is withdrawn by whoever made it")
		}
		return s.decide(ctx, tx, p, StateWithdrawn, by.ID)
	})
}

// act runs one step of a pending proposal. That it has ended meanwhile is kept,
// and told as a conflict.
func (s *Service) act(ctx context.Context, id string, by privacy.Principal, step func(context.Context, *sql.Tx, *Proposal) error) (p *Proposal, err error) {
	var refused error
	err = s.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		refused = nil
		if err := s.expire(ctx, tx); err != nil {
			return err
		}
		if p, err = s.visible(ctx, tx, id, by); err != nil {
			return err
		}
		if p.State != StatePending && p.State != StateApproved {
			refused = privacy.Errorf(privacy.CodeConflict, "this proposal is %s", p.State)
			return nil
		}
		if err := step(ctx, tx, p); err != nil {
			return err
		}
		if p.State == StateExpired {
			refused = privacy.Errorf(privacy.CodeConflict, "what this would change has changed since, so that it has expired: propose it again")
			return nil
		}
		p, err = s.load(ctx, tx, id)
		return err
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}
