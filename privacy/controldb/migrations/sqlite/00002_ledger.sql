-- +goose Up
-- Budgets. Losses are integers: *_mu2 counts units of 1e-12 of mu squared,
-- *_delta_units units of 1e-18 of delta. Times are microseconds since 1970, UTC.

-- An account's name is its identity, so that deleting and re-creating what it
-- is named for finds the same account. The epsilon and delta columns are what
-- people set; decisions use the integer columns only.
CREATE TABLE accounts (
    id               INTEGER PRIMARY KEY,
    name             TEXT    NOT NULL UNIQUE,
    window           TEXT    NOT NULL CHECK (window IN ('none', 'day', 'week', 'month')),
    cap_epsilon      REAL    NOT NULL,
    cap_delta        REAL    NOT NULL,
    cap_mu2          INTEGER NOT NULL CHECK (cap_mu2 >= 0),
    cap_delta_units  INTEGER NOT NULL CHECK (cap_delta_units >= 0),
    life_epsilon     REAL    NOT NULL,
    life_delta       REAL    NOT NULL,
    life_mu2         INTEGER NOT NULL,
    life_delta_units INTEGER NOT NULL,
    seen             INTEGER NOT NULL, -- latest clock at which the account was written; never goes back
    spent_mu2         INTEGER NOT NULL DEFAULT 0 CHECK (spent_mu2 >= 0), -- in the window that holds seen
    spent_delta_units INTEGER NOT NULL DEFAULT 0 CHECK (spent_delta_units >= 0),
    total_mu2         INTEGER NOT NULL DEFAULT 0 CHECK (total_mu2 BETWEEN spent_mu2 AND life_mu2),
    total_delta_units INTEGER NOT NULL DEFAULT 0 CHECK (total_delta_units BETWEEN spent_delta_units AND life_delta_units)
) STRICT;

-- The caps under which a tenant's optional accounts are opened when first charged.
CREATE TABLE account_defaults (
    kind    TEXT NOT NULL CHECK (kind IN ('tenant-dataset', 'tenant-principal')),
    tenant  TEXT NOT NULL,
    epsilon REAL NOT NULL,
    delta   REAL NOT NULL,
    PRIMARY KEY (kind, tenant)
) STRICT, WITHOUT ROWID;

CREATE TABLE charges (
    seq         INTEGER PRIMARY KEY, -- order of admission; internal, since it counts everyone's charges
    id          TEXT    NOT NULL UNIQUE,
    key         TEXT    NOT NULL,
    principal   TEXT    NOT NULL,
    dataset     TEXT    NOT NULL,
    tenants     TEXT    NOT NULL, -- JSON array
    epsilon     REAL    NOT NULL,
    delta       REAL    NOT NULL,
    mu2         INTEGER NOT NULL,
    delta_units INTEGER NOT NULL,
    payload     BLOB,
    state       TEXT    NOT NULL CHECK (state IN ('pending', 'released', 'abandoned')),
    release     TEXT    CHECK ((release IS NOT NULL) = (state = 'released')),
    attempts    INTEGER NOT NULL DEFAULT 0,
    lease_owner TEXT    NOT NULL DEFAULT '',
    lease_until INTEGER NOT NULL DEFAULT 0,
    nonce       BLOB    NOT NULL CHECK (length(nonce) = 32), -- opens the log leaf's commitment to the key
    leaf        INTEGER NOT NULL UNIQUE REFERENCES log_leaves (idx),
    at          INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX charges_live_key ON charges (key) WHERE state <> 'abandoned';
CREATE INDEX charges_pending ON charges (seq) WHERE state = 'pending';

-- Which charge answers a principal's Idempotency-Key, and the payload that the
-- request brought: a charge may be found by requests that differ in what does
-- not change the release.
CREATE TABLE charge_requests (
    principal   TEXT    NOT NULL,
    request_key TEXT    NOT NULL,
    charge      INTEGER NOT NULL REFERENCES charges (seq),
    payload     BLOB,
    PRIMARY KEY (principal, request_key)
) STRICT, WITHOUT ROWID;

-- What each account was debited, and the account's own time when it was.
CREATE TABLE charge_entries (
    account     INTEGER NOT NULL REFERENCES accounts (id),
    charge      INTEGER NOT NULL REFERENCES charges (seq),
    mu2         INTEGER NOT NULL CHECK (mu2 >= 0),
    delta_units INTEGER NOT NULL CHECK (delta_units >= 0),
    seen        INTEGER NOT NULL,
    PRIMARY KEY (account, charge)
) STRICT, WITHOUT ROWID;

-- The rules below hold whatever a later version of the program tries.
-- +goose StatementBegin
CREATE TRIGGER accounts_only_rise BEFORE UPDATE ON accounts
WHEN NEW.name <> OLD.name OR NEW.life_mu2 <> OLD.life_mu2 OR NEW.life_delta_units <> OLD.life_delta_units
  OR NEW.total_mu2 < OLD.total_mu2 OR NEW.total_delta_units < OLD.total_delta_units OR NEW.seen < OLD.seen
BEGIN
    SELECT RAISE(ABORT, 'an account keeps its ceiling and everything that was spent');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER accounts_kept BEFORE DELETE ON accounts
BEGIN
    SELECT RAISE(ABORT, 'accounts are never deleted');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER charges_kept BEFORE DELETE ON charges
BEGIN
    SELECT RAISE(ABORT, 'charges are never deleted');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER charges_final BEFORE UPDATE OF state ON charges
WHEN OLD.state <> 'pending'
BEGIN
    SELECT RAISE(ABORT, 'a charge that is released or abandoned stays so');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER charge_entries_immutable BEFORE UPDATE ON charge_entries
BEGIN
    SELECT RAISE(ABORT, 'charge entries are append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER charge_entries_kept BEFORE DELETE ON charge_entries
BEGIN
    SELECT RAISE(ABORT, 'charge entries are append-only');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE charge_entries;
DROP TABLE charge_requests;
DROP TABLE charges;
DROP TABLE account_defaults;
DROP TABLE accounts;
