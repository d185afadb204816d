// Package kept is what charges keep of the questions that they paid for, so that these
// can be answered after a crash, and the names that requests and releases have in the
// ledger. Where there are keys, it is all sealed, or named by keyed digests: SQL and
// its literals, and whether somebody asked something, are for nobody who reads the
// control store.
package kept

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/keyring"
	"github.com/noised/noised/privacy/ledger"
)

// Book keeps and finds what is kept. Without Keys everything is plain.
type Book struct {
	Ledger *ledger.Ledger
	Keys   *keyring.Ring
}

// Question is what a charge keeps so that it can be redeemed after a crash.
type Question struct {
	Request     question.Request `json:"request"`
	Fingerprint string           `json:"fingerprint"` // of the request as the caller sent it
	Core        string           `json:"core"`
	Version     int              `json:"version"`
	Policy      int64            `json:"policy"` // the version of the policies that permitted it
	Tenant      string           `json:"tenant"` // of the principal that paid; empty for none
}

// chargeKey is the name of the key under which requests of charges are sealed and
// named. Charges stay when those who asked, and those whose rows were read, have
// gone.
const chargeKey = "charges"

// Seal encodes what a charge keeps of its request. It holds SQL and its literals, and
// opens for that charge only.
func (b *Book) Seal(ctx context.Context, key string, q Question) ([]byte, error) {
	text, err := json.Marshal(q)
	if err != nil {
		return nil, privacy.Internal(err, "encode charge payload")
	}
	return b.Keys.Seal(ctx, keyring.Scope{Name: chargeKey, Row: key}, text)
}

// Open returns what a charge keeps of the request that it was found by.
func (b *Book) Open(ctx context.Context, charge ledger.Charge) (was Question, err error) {
	text, err := b.Keys.Open(ctx, keyring.Scope{Name: chargeKey, Row: charge.Key}, charge.Payload)
	if err != nil {
		return was, err
	}
	if err := json.Unmarshal(text, &was); err != nil {
		return was, privacy.Internal(err, "decode charge payload")
	}
	return was, nil
}

// ChargeOf finds the charge of a principal's Idempotency-Key, also by the name that
// it had before there were keys.
func (b *Book) ChargeOf(ctx context.Context, p privacy.Principal, idempotencyKey string) (ledger.Charge, bool, error) {
	name, err := b.RequestName(ctx, p, idempotencyKey)
	if err != nil {
		return ledger.Charge{}, false, err
	}
	charge, found, err := b.Ledger.LookupRequest(ctx, p.ID, name)
	if found || err != nil || name == idempotencyKey {
		return charge, found, err
	}
	return b.Ledger.LookupRequest(ctx, p.ID, idempotencyKey)
}

// RequestName is the name under which the ledger keeps an Idempotency-Key: answers
// are sealed under some of them, and so none may be read there.
func (b *Book) RequestName(ctx context.Context, p privacy.Principal, idempotencyKey string) (string, error) {
	if idempotencyKey == "" {
		return "", nil
	}
	name, ok, err := b.Keys.Digest(ctx, nil, keyring.Scope{Name: chargeKey, Row: "request"}, p.ID, idempotencyKey)
	if err != nil || ok {
		return name, err
	}
	return idempotencyKey, nil
}

// ReleaseKey returns the key of a release whose digest is given: a keyed one, from which
// no guess of a query can be confirmed, unless it was charged under the plain one.
func (b *Book) ReleaseKey(ctx context.Context, digest string) (string, error) {
	name, ok, err := b.Keys.Digest(ctx, nil, keyring.Scope{Name: chargeKey, Row: "release"}, digest)
	if err != nil || !ok {
		return digest, err
	}
	if _, before, err := b.Ledger.Lookup(ctx, digest); err != nil || before {
		return digest, err
	}
	return name, nil
}

// plainCharge is the condition on what the ledger keeps that is not sealed.
const plainCharge = `substr(coalesce(payload, x'f76e6f697365643a7631'), 1, 10) <> x'f76e6f697365643a7631' OR request_key <> '' AND substr(request_key, 1, 3) <> 'k1:'`

// SealPlain seals what charges from before there were keys keep of their requests, at
// most so many, and returns how many it sealed. It must run in a transaction.
func (b *Book) SealPlain(ctx context.Context, tx *sql.Tx, most int) (int, error) {
	return b.Ledger.Rewrite(ctx, tx, plainCharge, most, func(k *ledger.Kept) (err error) {
		if k.RequestKey != "" && !keyring.IsDigest(k.RequestKey) {
			name, _, err := b.Keys.Digest(ctx, tx, keyring.Scope{Name: chargeKey, Row: "request"}, k.Principal, k.RequestKey)
			if err != nil {
				return err
			}
			k.RequestKey = name
		}
		if len(k.Payload) > 0 && !keyring.Sealed(k.Payload) {
			k.Payload, err = b.Keys.SealIn(ctx, tx, keyring.Scope{Name: chargeKey, Row: k.Key}, k.Payload)
		}
		return err
	})
}
