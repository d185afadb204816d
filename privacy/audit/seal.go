package audit

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/keyring"
)

// paramsScope is where the parameters of a refusal belong.
func paramsScope(r Refusal) keyring.Scope { return keyring.Scope{Name: "refusals", Row: r.ID} }

// sealParams is how the parameters of a refusal are stored: whatever a caller made up
// may be among them, as long as it has the form of a name.
func (a *Recorder) sealParams(ctx context.Context, tx *sql.Tx, r Refusal) (string, error) {
	text, err := json.Marshal(r.Params)
	if err != nil {
		return "", privacy.Internal(err, "recording refusals")
	}
	if len(r.Params) == 0 {
		return string(text), nil
	}
	return a.o.Keys.SealTextIn(ctx, tx, paramsScope(r), string(text))
}

func (a *Recorder) openParams(ctx context.Context, r *Refusal, stored string) error {
	text, err := a.o.Keys.OpenTextIn(ctx, nil, paramsScope(*r), stored)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(text), &r.Params); err != nil {
		return privacy.Internal(err, "reading refusals")
	}
	return nil
}

// SealPlain seals the parameters of refusals from before there were keys, at most so
// many, and returns how many it sealed. It must run in a transaction.
func (a *Recorder) SealPlain(ctx context.Context, tx *sql.Tx, most int) (int, error) {
	plain := map[string]string{}
	rows, err := tx.QueryContext(ctx, `SELECT id, params FROM refusals WHERE substr(params, 1, 2) = '{"' LIMIT ?`, most)
	if err != nil {
		return 0, privacy.Internal(err, "sealing refusals")
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, params string
		if err := rows.Scan(&id, &params); err != nil {
			return 0, privacy.Internal(err, "sealing refusals")
		}
		plain[id] = params
	}
	if err := rows.Err(); err != nil {
		return 0, privacy.Internal(err, "sealing refusals")
	}
	for id, params := range plain {
		sealed, err := a.o.Keys.SealTextIn(ctx, tx, paramsScope(Refusal{ID: id}), params)
		if err != nil {
			return 0, err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE refusals SET params = ? WHERE id = ?`, sealed, id); err != nil {
			return 0, privacy.Internal(err, "sealing refusals")
		}
	}
	return len(plain), nil
}
