package catalog

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/noised/noised/privacy"
)

// insertSegment records a segment of a tenant, and the region where its rows belong,
// unless it is known: then it stays as it is.
func insertSegment(ctx context.Context, tx *sql.Tx, tenant string, s Segment) error {
	var ranks any // NULL: the rows have no ranks
	if s.Ranks != nil {
		text, err := json.Marshal(s.Ranks)
		if err != nil {
			return privacy.Internal(err, "recording a segment")
		}
		ranks = string(text)
	}
	var codes any // NULL: there are none
	if len(s.Codes) > 0 {
		text, err := json.Marshal(s.Codes)
		if err != nil {
			return privacy.Internal(err, "recording a segment")
		}
		codes = string(text)
	}
	_, err := exec(ctx, tx, "recording a segment", `INSERT INTO segments (id, table_name, path, rows, bytes, sha256, ranks, appended, codes, region)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, coalesce((SELECT region FROM tenants WHERE name = ?), '')) ON CONFLICT (id) DO NOTHING`, s.ID, s.Table, s.Path, s.Rows, s.Bytes, s.SHA256, ranks, s.Appended, codes, tenant)
	return err
}

// texts reads what segments store as JSON. Most segments say the same, and share
// what was read.
type texts struct {
	ranksOf map[string][][]string
	codesOf map[string]map[string]string
}

func newTexts() texts {
	return texts{map[string][][]string{}, map[string]map[string]string{}}
}

// ranks reads the groupings of a segment. That there are none differs from
// there being no ranks.
func (t texts) ranks(text sql.NullString) ([][]string, error) {
	if !text.Valid {
		return nil, nil
	}
	ranks, known := t.ranksOf[text.String]
	if known {
		return ranks, nil
	}
	ranks = [][]string{}
	if err := json.Unmarshal([]byte(text.String), &ranks); err != nil {
		return nil, privacy.Internal(err, "reading the ranks of a segment")
	}
	t.ranksOf[text.String] = ranks
	return ranks, nil
}

// codes reads the dimensions of a segment whose codes are stored.
func (t texts) codes(text sql.NullString) (map[string]string, error) {
	if !text.Valid {
		return nil, nil
	}
	codes, known := t.codesOf[text.String]
	if known {
		return codes, nil
	}
	if err := json.Unmarshal([]byte(text.String), &codes); err != nil {
		return nil, privacy.Internal(err, "reading the codes of a segment")
	}
	t.codesOf[text.String] = codes
	return codes, nil
}
