-- +goose Up
-- The transparency log: leaves as they were appended, and the Merkle tree's
-- stored hashes in the dense order of golang.org/x/mod/sumdb/tlog.
CREATE TABLE log_leaves (
    idx  INTEGER PRIMARY KEY,
    leaf BLOB NOT NULL
);

CREATE TABLE log_hashes (
    idx  INTEGER PRIMARY KEY,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
);

-- Append only, whatever a later version of the program tries.
-- +goose StatementBegin
CREATE TRIGGER log_leaves_immutable BEFORE UPDATE ON log_leaves
BEGIN
    SELECT RAISE(ABORT, 'log leaves are append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER log_leaves_kept BEFORE DELETE ON log_leaves
BEGIN
    SELECT RAISE(ABORT, 'log leaves are append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER log_hashes_immutable BEFORE UPDATE ON log_hashes
BEGIN
    SELECT RAISE(ABORT, 'log hashes are append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER log_hashes_kept BEFORE DELETE ON log_hashes
BEGIN
    SELECT RAISE(ABORT, 'log hashes are append-only');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE log_hashes;
DROP TABLE log_leaves;
