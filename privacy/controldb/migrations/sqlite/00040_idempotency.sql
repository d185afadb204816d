-- +goose Up
-- Answers to POSTs that carried an Idempotency-Key. Whoever reads this table
-- learns that requests were made, and when they expire: what was asked and what
-- was answered is sealed under keys that derive from the caller's own secret.
CREATE TABLE idempotency (
    principal   TEXT    NOT NULL,
    key_hash    BLOB    NOT NULL CHECK (length(key_hash) = 32), -- SHA-256 of the Idempotency-Key
    salt        BLOB    NOT NULL CHECK (length(salt) = 16),     -- of the derived keys
    fingerprint BLOB    NOT NULL CHECK (length(fingerprint) = 32), -- HMAC of the request
    state       TEXT    NOT NULL CHECK (state IN ('running', 'answered', 'oversized')),
    attempt     TEXT    NOT NULL, -- which attempt may finish it
    lease_until INTEGER NOT NULL, -- microseconds; a running attempt is taken for dead afterwards
    expires_at  INTEGER NOT NULL, -- microseconds
    sealed      BLOB,
    PRIMARY KEY (principal, key_hash),
    CHECK ((sealed IS NOT NULL) = (state = 'answered'))
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_expiry ON idempotency (expires_at);

-- +goose Down
DROP TABLE idempotency;
