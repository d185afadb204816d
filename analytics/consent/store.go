package consent

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/translog"
)

// leaf is the body of a log leaf: which step of what, by whom.
type leaf struct {
	Act      string `json:"act"`
	Proposal string `json:"proposal"`
	Kind     string `json:"kind"`
	Dataset  string `json:"dataset,omitempty"`
	Tenant   string `json:"tenant,omitempty"`
	By       string `json:"by,omitempty"` // empty for a clock
}

func (s *Service) log(ctx context.Context, tx *sql.Tx, act string, p *Proposal, by string) error {
	_, err := translog.Append(ctx, tx, translog.Leaf{Kind: translog.KindProposal, At: s.now(), Body: leaf{act, p.ID, string(p.Kind), p.Dataset, p.Tenant, by}})
	return err
}

// acts are how the log names the ends of a proposal.
var acts = map[State]string{StateApplied: "apply", StateRejected: "reject", StateWithdrawn: "withdraw", StateExpired: "expire"}

// decide ends a proposal.
func (s *Service) decide(ctx context.Context, tx *sql.Tx, p *Proposal, state State, by string) error {
	res, err := tx.ExecContext(ctx, `UPDATE proposals SET state = ?, decided_at = ?, decided_by = ? WHERE id = ? AND state = 'pending'`,
		string(state), s.now().UnixMicro(), by, p.ID)
	if err != nil {
		return privacy.Internal(err, "deciding a proposal")
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return privacy.Internal(errors.Join(err, errors.New("it was decided before")), "deciding a proposal")
	}
	p.State = state
	return s.log(ctx, tx, acts[state], p, by)
}

// expire ends the proposals whose time is over.
func (s *Service) expire(ctx context.Context, tx *sql.Tx) error {
	over, err := waiting(ctx, tx, `expires_at <= ?`, s.now().UnixMicro())
	if err != nil {
		return err
	}
	for _, p := range over {
		if err := s.decide(ctx, tx, p, StateExpired, ""); err != nil {
			return err
		}
	}
	return nil
}

// waiting returns the pending proposals that a condition selects, as far as ending
// them needs. The condition is constant text.
func waiting(ctx context.Context, tx *sql.Tx, condition string, args ...any) (found []*Proposal, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, kind, dataset, tenant FROM proposals WHERE state = 'pending' AND `+condition+` ORDER BY seq`, args...)
	if err != nil {
		return nil, privacy.Internal(err, "reading proposals")
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		p := &Proposal{}
		if err := rows.Scan(&p.ID, &p.Kind, &p.Dataset, &p.Tenant); err != nil {
			return nil, privacy.Internal(err, "reading proposals")
		}
		found = append(found, p)
	}
	if err := rows.Err(); err != nil {
		return nil, privacy.Internal(err, "reading proposals")
	}
	return found, nil
}

// same finds a pending proposal of the same change by the same principal, and
// counts all that the principal has pending.
func same(ctx context.Context, tx *sql.Tx, p *Proposal) (id string, pending int, err error) {
	err = tx.QueryRowContext(ctx, `SELECT count(*), coalesce(max(CASE WHEN kind = ? AND dataset = ? AND tenant = ? AND document = ? THEN id END), '')
		FROM proposals WHERE state = 'pending' AND by = ? AND by_role = ? AND by_tenant = ?`,
		string(p.Kind), p.Dataset, p.Tenant, p.Document, p.By.ID, string(p.By.Role), p.By.Tenant).Scan(&pending, &id)
	if err != nil {
		return "", 0, privacy.Internal(err, "reading proposals")
	}
	return id, pending, nil
}

func insert(ctx context.Context, tx *sql.Tx, p *Proposal) error {
	effects, err := json.Marshal(p.Effect)
	if err != nil {
		return privacy.Internal(err, "write a proposal")
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO proposals (id, kind, dataset, tenant, document, effect, by, by_role, by_tenant, created_at, expires_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, p.ID, string(p.Kind), p.Dataset, p.Tenant, p.Document, string(effects),
		p.By.ID, string(p.By.Role), p.By.Tenant, p.CreatedAt.UnixMicro(), p.ExpiresAt.UnixMicro())
	if err != nil {
		return privacy.Internal(err, "keep a proposal")
	}
	return nil
}

func insertSignature(ctx context.Context, tx *sql.Tx, proposal string, sig Signature) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO proposal_signatures (proposal, principal, tenant, role, at) VALUES (?, ?, ?, ?, ?)`,
		proposal, sig.Principal, sig.Tenant, string(sig.Role), sig.At.UnixMicro())
	if err != nil {
		return privacy.Internal(err, "keep a signature")
	}
	return nil
}

const proposalColumns = `p.id, p.kind, p.dataset, p.tenant, p.document, p.effect, p.by, p.by_role, p.by_tenant, p.created_at, p.expires_at,
	p.state, p.decided_at, p.decided_by`

func scan(row interface{ Scan(...any) error }) (*Proposal, error) {
	p := &Proposal{Signatures: []Signature{}}
	var created, expires int64
	var effects string
	var decided sql.NullInt64
	err := row.Scan(&p.ID, &p.Kind, &p.Dataset, &p.Tenant, &p.Document, &effects, &p.By.ID, &p.By.Role, &p.By.Tenant, &created, &expires,
		&p.State, &decided, &p.DecidedBy)
	if err == nil {
		err = json.Unmarshal([]byte(effects), &p.Effect)
	}
	p.CreatedAt, p.ExpiresAt = time.UnixMicro(created).UTC(), time.UnixMicro(expires).UTC()
	if decided.Valid {
		p.DecidedAt = time.UnixMicro(decided.Int64).UTC()
	}
	return p, err
}

// load reads one proposal as it stands now.
func (s *Service) load(ctx context.Context, tx *sql.Tx, id string) (*Proposal, error) {
	p, err := scan(tx.QueryRowContext(ctx, `SELECT `+proposalColumns+` FROM proposals p WHERE p.id = ?`, id))
	if err != nil {
		return nil, privacy.Internal(err, "reading a proposal")
	}
	return p, s.complete(ctx, tx, p)
}

// complete adds to a proposal who signed and, while it is pending, who must.
func (s *Service) complete(ctx context.Context, tx *sql.Tx, p *Proposal) error {
	if err := signatures(ctx, tx, p); err != nil || p.State != StatePending {
		return err
	}
	c, err := s.read(p)
	if err != nil {
		return privacy.Internal(err, "read a proposal")
	}
	who, err := c.clause(ctx, tx)
	if err != nil {
		return err
	}
	p.Required = who.needs
	if settle(p.Required, p.Signatures) {
		p.State = StateApproved
	}
	return nil
}

// gone is true of a principal (?1) that has been revoked, of one that came by keys
// of which none is left (others have no keys here), of one that is suspended, by
// operators or where it acts for its tenant (?2), and of one whose tenant is not the
// one any more that it acted for (at ?3): another may have got its name.
const gone = `(EXISTS (SELECT 1 FROM revoked_principals r WHERE r.principal = ?1)
	OR EXISTS (SELECT 1 FROM suspensions s WHERE s.kind = 'principal' AND s.name = ?1 AND s.owner IN ('', ?2))
	OR (?2 <> '' AND NOT EXISTS (SELECT 1 FROM tenants t WHERE t.name = ?2 AND t.created_at <= ?3))
	OR (?1 LIKE 'key\_%' ESCAPE '\' AND NOT EXISTS (SELECT 1 FROM api_keys k WHERE k.principal = ?1 AND k.revoked_at IS NULL)))`

// ended reports whether a principal that acted for a tenant, or for none, no longer
// stands.
func ended(ctx context.Context, tx *sql.Tx, principal, tenant string, at time.Time) (ends bool, err error) {
	if err := tx.QueryRowContext(ctx, `SELECT `+gone, principal, tenant, at.UnixMicro()).Scan(&ends); err != nil {
		return false, privacy.Internal(err, "reading the standing of a principal")
	}
	return ends, nil
}

// signatures adds who signed, in the order in which they did.
func signatures(ctx context.Context, tx *sql.Tx, p *Proposal) error {
	rows, err := tx.QueryContext(ctx, `SELECT principal, tenant, role, at FROM proposal_signatures WHERE proposal = ? ORDER BY at, principal`, p.ID)
	if err != nil {
		return privacy.Internal(err, "reading signatures")
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var sig Signature
		var at int64
		if err := rows.Scan(&sig.Principal, &sig.Tenant, &sig.Role, &at); err != nil {
			return privacy.Internal(err, "reading signatures")
		}
		sig.At = time.UnixMicro(at).UTC()
		p.Signatures = append(p.Signatures, sig)
	}
	if err := rows.Err(); err != nil {
		return privacy.Internal(err, "reading signatures")
	}
	_ = rows.Close() // before the next statement
	for i := range p.Signatures {
		sig := &p.Signatures[i]
		ends, err := ended(ctx, tx, sig.Principal, sig.Tenant, sig.At)
		if err != nil {
			return err
		}
		sig.Counts = !ends
	}
	return nil
}
