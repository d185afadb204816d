package ledger

import (
	"context"
	"database/sql"

	"github.com/noised/noised/privacy"
)

// findExisting returns the charge that already answers a request, and makes
// the request key find it from now on.
func findExisting(ctx context.Context, tx *sql.Tx, r Request) (Charge, bool, error) {
	if r.RequestKey != "" {
		c, found, err := byRequest(ctx, tx, r.Principal, r.RequestKey)
		if err != nil || found {
			c.Existing = true
			return c.Charge, found, err
		}
	}
	c, found, err := byKey(ctx, tx, r.Key)
	if err != nil || !found {
		return Charge{}, false, err
	}
	c.Existing = true
	if r.RequestKey != "" {
		c.Payload = r.Payload
	}
	return c.Charge, true, bindRequest(ctx, tx, r, c.seq)
}

// bindRequest makes a principal's request key find a charge, with the payload
// that this request brought.
func bindRequest(ctx context.Context, tx *sql.Tx, r Request, seq int64) error {
	if r.RequestKey == "" {
		return nil
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO charge_requests (principal, request_key, charge, payload) VALUES (?, ?, ?, ?)`,
		r.Principal, r.RequestKey, seq, r.Payload)
	if err != nil {
		return privacy.Internal(err, "storing a request key")
	}
	return nil
}
