package ledger

import (
	"context"
	"database/sql"

	"github.com/noised/noised/privacy"
)

// Kept is what the ledger keeps of a request for others: it knows neither form.
type Kept struct {
	Principal  string
	Key        string // of the charge
	RequestKey string // empty: what was charged, and not what was found by a request key
	Payload    []byte

	charge int64
}

// Rewrite has rewrite change the payload and the request key of what is kept in
// another form, at most so many rows, and returns how many it changed. plain selects:
// it is a condition on payload and request_key, constant text. It must run in a
// transaction.
func (l *Ledger) Rewrite(ctx context.Context, tx *sql.Tx, plain string, most int, rewrite func(*Kept) error) (n int, err error) {
	charged, err := keptBy(ctx, tx, `SELECT principal, key, '', payload, seq FROM (SELECT *, '' AS request_key FROM charges)
		WHERE payload IS NOT NULL AND (`+plain+`) LIMIT ?`, most)
	if err != nil {
		return 0, err
	}
	for _, k := range charged {
		if err := rewrite(&k); err != nil {
			return n, err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE charges SET payload = ? WHERE seq = ?`, k.Payload, k.charge); err != nil {
			return n, privacy.Internal(err, "rewriting charges")
		}
		n++
	}
	found, err := keptBy(ctx, tx, `SELECT r.principal, c.key, r.request_key, coalesce(r.payload, x''), r.charge FROM charge_requests r JOIN charges c ON c.seq = r.charge
		WHERE (SELECT `+plain+` FROM (SELECT r.payload AS payload, r.request_key AS request_key)) LIMIT ?`, most-n)
	if err != nil {
		return n, err
	}
	for _, k := range found {
		before := k.RequestKey
		if err := rewrite(&k); err != nil {
			return n, err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE charge_requests SET request_key = ?, payload = ? WHERE principal = ? AND request_key = ?`,
			k.RequestKey, k.Payload, k.Principal, before); err != nil {
			return n, privacy.Internal(err, "rewriting charges")
		}
		n++
	}
	return n, nil
}

func keptBy(ctx context.Context, tx *sql.Tx, query string, most int) (found []Kept, err error) {
	rows, err := tx.QueryContext(ctx, query, most)
	if err != nil {
		return nil, privacy.Internal(err, "rewriting charges")
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var k Kept
		if err := rows.Scan(&k.Principal, &k.Key, &k.RequestKey, &k.Payload, &k.charge); err != nil {
			return nil, privacy.Internal(err, "rewriting charges")
		}
		found = append(found, k)
	}
	if err := rows.Err(); err != nil {
		return nil, privacy.Internal(err, "rewriting charges")
	}
	return found, nil
}
