package release

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/translog"
)

// The parts of a release's leaf that are commitments: what was released, and what
// whoever paid said that it was for. Readers see nothing of each other, so that the
// second part is for whoever paid alone.
const (
	PartResult  = "result"
	PartPurpose = "purpose"
)

// leaf is what the log says of a release.
type leaf struct {
	Release    string `json:"release"`
	Charge     string `json:"charge"`
	Dataset    string `json:"dataset"`
	Policy     int64  `json:"policy,omitempty"`
	Commitment string `json:"commitment"`
	Purpose    string `json:"purpose"` // a commitment too
}

// result is what was released, in the order of canonical JSON.
type result struct {
	ContractVersion int    `json:"contract_version"`
	Core            string `json:"core"` // SHA-256 of the noised core
	Delta           string `json:"delta"`
	Epsilon         string `json:"epsilon"`
}

func resultOf(c Core) ([]byte, error) {
	digest := c.Digest
	if digest == nil {
		sum := sha256.Sum256(c.Noised)
		digest = sum[:]
	}
	text, err := json.Marshal(result{c.ContractVersion, hex.EncodeToString(digest), decimal(c.Delta), decimal(c.Epsilon)})
	if err != nil {
		return nil, privacy.Internal(err, "logging a release")
	}
	return text, nil
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// log appends a release's leaf, and keeps what opens it.
func log(ctx context.Context, tx *sql.Tx, c Core) error {
	text, err := resultOf(c)
	if err != nil {
		return err
	}
	nonce := translog.NewNonce()
	parts := nonce.Parts()
	index, err := translog.Append(ctx, tx, translog.Leaf{Kind: translog.KindRelease, At: c.CreatedAt, Body: leaf{
		Release: c.ID, Charge: c.Charge, Dataset: c.Dataset, Policy: c.Policy,
		Commitment: parts(PartResult).Commit(text), Purpose: parts(PartPurpose).Commit([]byte(c.Purpose)),
	}})
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO release_leaves (release, leaf, nonce) VALUES (?, ?, ?)`, c.ID, index, nonce[:]); err != nil {
		return privacy.Internal(err, "logging a release")
	}
	return nil
}

// Logged is what the log has of a release, and the texts that its leaf commits to.
type Logged struct {
	Leaf   int64
	Charge string
	Nonce  []byte            // nil for leaves from before there were commitments
	Texts  map[string]string // by part
}

// Logged returns what the log has of a release; CodeNotFound for one that there is
// not.
func (s *Store) Logged(ctx context.Context, id string) (l Logged, err error) {
	var key, purpose string
	err = s.db.QueryRowContext(ctx, `SELECT r.key, r.charge, r.purpose, l.leaf, l.nonce FROM releases r JOIN release_leaves l ON l.release = r.id
		WHERE r.id = ?`, id).Scan(&key, &l.Charge, &purpose, &l.Leaf, &l.Nonce)
	if errors.Is(err, sql.ErrNoRows) {
		return l, privacy.Errorf(privacy.CodeNotFound, "there is no such release")
	}
	if err != nil {
		return l, privacy.Internal(err, "read release")
	}
	c, _, err := s.byKey(ctx, key)
	if err != nil {
		return l, err
	}
	if purpose, err = s.keys.OpenTextIn(ctx, nil, coreScope(id), purpose); err != nil {
		return l, err
	}
	text, err := resultOf(c)
	l.Texts = map[string]string{PartResult: string(text), PartPurpose: purpose}
	return l, err
}

// Unseal opens what is stored of a release, for whoever verifies it.
func (s *Store) Unseal(ctx context.Context, id string, core []byte, purpose string) ([]byte, string, error) {
	core, err := s.keys.OpenIn(ctx, nil, coreScope(id), core)
	if err != nil {
		return nil, "", err
	}
	purpose, err = s.keys.OpenTextIn(ctx, nil, coreScope(id), purpose)
	return core, purpose, err
}
