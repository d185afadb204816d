package verify

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/noised/noised/privacy"
)

// leavesQuery reads each leaf with what the tables have of it.
const leavesQuery = `SELECT l.idx, l.leaf,
		c.id, c.key, c.principal, c.dataset, c.tenants, c.epsilon, c.delta, c.mu2, c.delta_units, c.nonce, c.at,
		j.charge, j.parts, j.nonce, (SELECT id FROM charges WHERE seq = j.charge),
		e.release, e.nonce, s.charge, s.dataset, s.purpose, s.policy, s.created_at, s.core, s.shredded, s.contract_version, s.epsilon, s.delta,
		CASE WHEN c.seq IS NOT NULL THEN (SELECT group_concat(d.seen || '|' || d.mu2 || '|' || d.delta_units || '|' || d.accounts, ';')
				FROM charge_debits d WHERE d.charge = c.seq
				AND NOT EXISTS (SELECT 1 FROM charge_joins x WHERE x.charge = d.charge AND d.part >= x.part AND d.part < x.part + x.parts))
			WHEN j.leaf IS NOT NULL THEN (SELECT group_concat(d.seen || '|' || d.mu2 || '|' || d.delta_units || '|' || d.accounts, ';')
				FROM charge_debits d WHERE d.charge = j.charge AND d.part >= j.part AND d.part < j.part + j.parts) END
	FROM log_leaves l
	LEFT JOIN charges c ON c.leaf = l.idx
	LEFT JOIN charge_joins j ON j.leaf = l.idx
	LEFT JOIN release_leaves e ON e.leaf = l.idx
	LEFT JOIN releases s ON s.id = e.release
	ORDER BY l.idx`

// reading is one leaf, and what the tables have of it.
type reading struct {
	idx  int64
	leaf []byte

	chargeID, key, principal, dataset, tenants sql.NullString
	epsilon, delta                             sql.NullFloat64
	mu2, deltaUnits                            sql.NullInt64
	nonce                                      []byte
	chargedAt                                  sql.NullInt64

	joined, joinParts sql.NullInt64
	joinNonce         []byte
	joinedCharge      sql.NullString

	released, releaseCharge, releaseDataset, purpose sql.NullString
	releaseNonce                                     []byte
	policy, createdAt, contractVersion               sql.NullInt64
	core                                             []byte
	shredded                                         sql.NullBool // core is its digest
	releaseEpsilon, releaseDelta                     sql.NullFloat64

	debits sql.NullString

	kind string
	at   time.Time
	body json.RawMessage
}

func (l *reading) scan(rows *sql.Rows) error {
	return rows.Scan(&l.idx, &l.leaf,
		&l.chargeID, &l.key, &l.principal, &l.dataset, &l.tenants, &l.epsilon, &l.delta, &l.mu2, &l.deltaUnits, &l.nonce, &l.chargedAt,
		&l.joined, &l.joinParts, &l.joinNonce, &l.joinedCharge,
		&l.released, &l.releaseNonce, &l.releaseCharge, &l.releaseDataset, &l.purpose, &l.policy, &l.createdAt, &l.core, &l.shredded, &l.contractVersion, &l.releaseEpsilon, &l.releaseDelta,
		&l.debits)
}

// parse reads the leaf's own members.
func (l *reading) parse() error {
	var leaf struct {
		Kind string          `json:"kind"`
		At   time.Time       `json:"at"`
		Body json.RawMessage `json:"body"`
	}
	err := json.Unmarshal(l.leaf, &leaf)
	l.kind, l.at, l.body = leaf.Kind, leaf.At, leaf.Body
	return err
}

// entry is one debit of an account: the account's own time, and the cost.
type entry struct {
	seen int64
	cost privacy.Cost
}

// entries reads the debits of a leaf by account. rows is how many rows there were.
func (l *reading) entries(names map[int64]string) (found map[string]entry, rows int64, err error) {
	found = map[string]entry{}
	if !l.debits.Valid {
		return found, 0, nil
	}
	for row := range strings.SplitSeq(l.debits.String, ";") {
		rows++
		fields := strings.SplitN(row, "|", 4)
		if len(fields) != 4 {
			return nil, 0, fmt.Errorf("a row of debits has %d fields", len(fields))
		}
		var n [3]int64
		for i := range n {
			if n[i], err = strconv.ParseInt(fields[i], 10, 64); err != nil {
				return nil, 0, err
			}
		}
		for text := range strings.SplitSeq(strings.Trim(fields[3], ","), ",") {
			id, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return nil, 0, err
			}
			name, ok := names[id]
			if !ok {
				return nil, 0, fmt.Errorf("account number %d is not there", id)
			}
			if _, twice := found[name]; twice {
				return nil, 0, fmt.Errorf("%s is debited twice", name)
			}
			found[name] = entry{n[0], privacy.Cost{Mu2: n[1], Delta: n[2]}}
		}
	}
	return found, rows, nil
}
