-- +goose Up
-- Principals that are refused for good, whatever they authenticate with. Tokens
-- and certificates are not in this store, so that who they name is refused here.
CREATE TABLE revoked_principals (
    principal  TEXT    PRIMARY KEY,
    revoked_at INTEGER NOT NULL, -- microseconds since 1970, UTC
    revoked_by TEXT    NOT NULL
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER revoked_principals_stay_so BEFORE UPDATE ON revoked_principals
BEGIN
    SELECT raise(ABORT, 'a principal is revoked for good');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE revoked_principals;
