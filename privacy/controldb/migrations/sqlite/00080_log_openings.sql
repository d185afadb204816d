-- +goose Up
-- What opens the commitments of leaves, beside the nonce of each charge, and where
-- the leaves of joins and releases are. Leaves from before have commitments to the
-- key of a charge alone, and no nonce here.
CREATE TABLE charge_joins (
    leaf   INTEGER PRIMARY KEY REFERENCES log_leaves (idx),
    charge INTEGER NOT NULL REFERENCES charges (seq),
    part   INTEGER NOT NULL CHECK (part >= 0),  -- the first of its rows in charge_debits
    parts  INTEGER NOT NULL CHECK (parts >= 1), -- how many there are
    nonce  BLOB    NOT NULL CHECK (length(nonce) = 32)
) STRICT;

CREATE INDEX charge_joins_charge ON charge_joins (charge);

CREATE TABLE release_leaves (
    release TEXT    NOT NULL PRIMARY KEY,
    leaf    INTEGER NOT NULL UNIQUE REFERENCES log_leaves (idx),
    nonce   BLOB    CHECK (length(nonce) = 32)
) STRICT, WITHOUT ROWID;

INSERT INTO release_leaves (release, leaf)
    SELECT json_extract(CAST(leaf AS TEXT), '$.body.release'), idx FROM log_leaves
    WHERE json_extract(CAST(leaf AS TEXT), '$.kind') = 'release';

-- The keys that have signed the log, in their order.
CREATE TABLE log_keys (
    leaf     INTEGER PRIMARY KEY REFERENCES log_leaves (idx),
    verifier TEXT    NOT NULL UNIQUE
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER charge_joins_immutable BEFORE UPDATE ON charge_joins
BEGIN
    SELECT RAISE(ABORT, 'joins are append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER charge_joins_kept BEFORE DELETE ON charge_joins
BEGIN
    SELECT RAISE(ABORT, 'joins are append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER release_leaves_immutable BEFORE UPDATE ON release_leaves
BEGIN
    SELECT RAISE(ABORT, 'leaves of releases are append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER release_leaves_kept BEFORE DELETE ON release_leaves
BEGIN
    SELECT RAISE(ABORT, 'leaves of releases are append-only');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE log_keys;
DROP TABLE release_leaves;
DROP TABLE charge_joins;
