package catalog

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/noised/noised/privacy"
)

// insertSegment records a segment, unless it is known: then it stays as it is.
func insertSegment(ctx context.Context, tx *sql.Tx, s Segment) error {
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
	_, err := exec(ctx, tx, "recording a segment", `INSERT INTO segments (id, table_name, path, rows, bytes, sha256, ranks, appended, codes)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`, s.ID, s.Table, s.Path, s.Rows, s.Bytes, s.SHA256, ranks, s.Appended, codes)
	return err
}

// readRanks reads the groupings of a segment. That there are none differs from
// there being no ranks.
func readRanks(text sql.NullString) ([][]string, error) {
	if !text.Valid {
		return nil, nil
	}
	ranks := [][]string{}
	if err := json.Unmarshal([]byte(text.String), &ranks); err != nil {
		return nil, privacy.Internal(err, "reading the ranks of a segment")
	}
	return ranks, nil
}

// readCodes reads the dimensions of a segment whose codes are stored.
func readCodes(text sql.NullString) (map[string]string, error) {
	if !text.Valid {
		return nil, nil
	}
	var codes map[string]string
	if err := json.Unmarshal([]byte(text.String), &codes); err != nil {
		return nil, privacy.Internal(err, "reading the codes of a segment")
	}
	return codes, nil
}
