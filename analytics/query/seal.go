package query

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/keyring"
	"github.com/noised/noised/privacy/ledger"
)

// chargeKey is the name of the key under which requests of charges are sealed and
// named. Charges stay when those who asked, and those whose rows were read, have
// gone.
const chargeKey = "charges"

// seal encodes what a charge keeps of its request. It holds SQL and its literals, and
// opens for that charge only.
func (s *Service) seal(ctx context.Context, key string, p payload) ([]byte, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return nil, privacy.Internal(err, "encode charge payload")
	}
	return s.Keys.Seal(ctx, keyring.Scope{Name: chargeKey, Row: key}, text)
}

// request returns what a charge keeps of the request that it was found by.
func (s *Service) request(ctx context.Context, charge ledger.Charge) (was payload, err error) {
	text, err := s.Keys.Open(ctx, keyring.Scope{Name: chargeKey, Row: charge.Key}, charge.Payload)
	if err != nil {
		return was, err
	}
	if err := json.Unmarshal(text, &was); err != nil {
		return was, privacy.Internal(err, "decode charge payload")
	}
	return was, nil
}

// chargeOf finds the charge of a principal's Idempotency-Key, also by the name that
// it had before there were keys.
func (s *Service) chargeOf(ctx context.Context, p privacy.Principal, idempotencyKey string) (ledger.Charge, bool, error) {
	name, err := s.requestName(ctx, p, idempotencyKey)
	if err != nil {
		return ledger.Charge{}, false, err
	}
	charge, found, err := s.Ledger.LookupRequest(ctx, p.ID, name)
	if found || err != nil || name == idempotencyKey {
		return charge, found, err
	}
	return s.Ledger.LookupRequest(ctx, p.ID, idempotencyKey)
}

// requestName is the name under which the ledger keeps an Idempotency-Key: answers
// are sealed under some of them, and so none may be read there.
func (s *Service) requestName(ctx context.Context, p privacy.Principal, idempotencyKey string) (string, error) {
	if idempotencyKey == "" {
		return "", nil
	}
	name, ok, err := s.Keys.Digest(ctx, nil, keyring.Scope{Name: chargeKey, Row: "request"}, p.ID, idempotencyKey)
	if err != nil || ok {
		return name, err
	}
	return idempotencyKey, nil
}

// keyed returns the key of a release whose digest is given: a keyed one, from which
// no guess of a query can be confirmed, unless it was charged under the plain one.
func (s *Service) keyed(ctx context.Context, digest string) (string, error) {
	name, ok, err := s.Keys.Digest(ctx, nil, keyring.Scope{Name: chargeKey, Row: "release"}, digest)
	if err != nil || !ok {
		return digest, err
	}
	if _, before, err := s.Ledger.Lookup(ctx, digest); err != nil || before {
		return digest, err
	}
	return name, nil
}

// plainCharge is the condition on what the ledger keeps that is not sealed.
const plainCharge = `substr(coalesce(payload, x'f76e6f697365643a7631'), 1, 10) <> x'f76e6f697365643a7631' OR request_key <> '' AND substr(request_key, 1, 3) <> 'k1:'`

// SealPlain seals what charges from before there were keys keep of their requests, at
// most so many, and returns how many it sealed. It must run in a transaction.
func (s *Service) SealPlain(ctx context.Context, tx *sql.Tx, most int) (int, error) {
	return s.Ledger.Rewrite(ctx, tx, plainCharge, most, func(k *ledger.Kept) (err error) {
		if k.RequestKey != "" && !keyring.IsDigest(k.RequestKey) {
			name, _, err := s.Keys.Digest(ctx, tx, keyring.Scope{Name: chargeKey, Row: "request"}, k.Principal, k.RequestKey)
			if err != nil {
				return err
			}
			k.RequestKey = name
		}
		if len(k.Payload) > 0 && !keyring.Sealed(k.Payload) {
			k.Payload, err = s.Keys.SealIn(ctx, tx, keyring.Scope{Name: chargeKey, Row: k.Key}, k.Payload)
		}
		return err
	})
}
