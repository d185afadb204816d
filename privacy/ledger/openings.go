package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger/leaves"
	"github.com/noised/noised/privacy/translog"
)

// Opening is what the leaf of a charge or of a join commits to.
type Opening struct {
	Charge    string // its id
	Principal string // who made the charge; empty for a join
	Tenants   []string
	Before    bool               // the leaf is from before there were commitments to accounts, and names them
	Parts     []leaves.PartShown // in the order of the leaf
}

// Openings returns what opens the leaf of a charge or of a join; false for other
// leaves. Whom to show which part of it is the caller's to decide.
func Openings(ctx context.Context, q translog.Reader, leaf int64) (Opening, bool, error) {
	var c Charge
	var o Opening
	var seq, part, parts int64
	var tenants string
	var nonce []byte
	err := q.QueryRowContext(ctx, `SELECT seq, id, key, principal, dataset, tenants, epsilon, delta, nonce, 0, 0 FROM charges WHERE leaf = ?1
		UNION ALL SELECT c.seq, c.id, '', '', c.dataset, c.tenants, 0, 0, j.nonce, j.part, j.parts FROM charge_joins j JOIN charges c ON c.seq = j.charge WHERE j.leaf = ?1`, leaf).
		Scan(&seq, &c.ID, &c.Key, &c.Principal, &c.Dataset, &tenants, &c.Loss.Epsilon, &c.Loss.Delta, &nonce, &part, &parts)
	if errors.Is(err, sql.ErrNoRows) {
		return o, false, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(tenants), &c.Tenants)
	}
	if err != nil || len(nonce) != len(translog.Nonce{}) {
		return o, false, privacy.Internal(err, "opening a charge")
	}
	o.Charge, o.Principal, o.Tenants = c.ID, c.Principal, c.Tenants
	as, err := formOf(ctx, q, leaf)
	if o.Before = as == leaves.FormNames; err != nil || o.Before {
		return o, err == nil, err
	}
	var detail []byte
	if parts == 0 {
		if _, detail, err = detailOf(c); err != nil {
			return o, false, err
		}
	}
	accounts, err := debitedBy(ctx, q, seq, part, parts)
	if err != nil {
		return o, false, err
	}
	shares, err := leaves.SharesOf(accountsOf(accounts))
	if err != nil {
		return o, false, err
	}
	o.Parts = leaves.Open(translog.Nonce(nonce), as, detail, shares)
	return o, true, nil
}

func formOf(ctx context.Context, q translog.Reader, leaf int64) (leaves.Form, error) {
	data, err := translog.Entry(ctx, q, leaf)
	if err != nil {
		return 0, err
	}
	return leaves.FormOf(data)
}

// debitedBy returns the accounts that a charge debited, or that a join of it did,
// which has so many parts of the debits.
func debitedBy(ctx context.Context, q translog.Reader, charge, part, parts int64) ([]*row, error) {
	rows, err := q.QueryContext(ctx, `SELECT accounts FROM charge_debits d WHERE d.charge = ?1 AND CASE WHEN ?3 > 0 THEN d.part >= ?2 AND d.part < ?2 + ?3
		ELSE NOT EXISTS (SELECT 1 FROM charge_joins j WHERE j.charge = ?1 AND d.part >= j.part AND d.part < j.part + j.parts) END`, charge, part, parts)
	if err != nil {
		return nil, privacy.Internal(err, "opening a charge")
	}
	lists, err := appendNames(rows, nil)
	if err != nil {
		return nil, privacy.Internal(err, "opening a charge")
	}
	var ids []any
	for _, list := range lists {
		for text := range strings.SplitSeq(strings.Trim(list, ","), ",") {
			id, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return nil, privacy.Internal(err, "opening a charge")
			}
			ids = append(ids, id)
		}
	}
	var accounts []*row
	for some := range slices.Chunk(ids, maxParameters) {
		found, err := selectAccounts(ctx, q, `id IN (`+placeholders(len(some))+`)`, some...)
		if err != nil {
			return nil, err
		}
		accounts = append(accounts, found...)
	}
	return accounts, nil
}
