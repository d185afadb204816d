-- +goose Up
-- API keys. Only the hash of a key's 256 random bits is kept. Keys of a
-- deleted tenant are deleted with it, so that a tenant of the same name that
-- is created later does not inherit them.
CREATE TABLE api_keys (
    id         TEXT    PRIMARY KEY,
    hash       BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
    role       TEXT    NOT NULL,
    tenant     TEXT    REFERENCES tenants (name) ON DELETE CASCADE,
    name       TEXT    NOT NULL,
    created_at INTEGER NOT NULL, -- microseconds since 1970, UTC
    created_by TEXT    NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER,
    CHECK (role <> 'operator' OR tenant IS NULL),
    CHECK (role NOT IN ('tenant-admin', 'budget-admin', 'contributor') OR tenant IS NOT NULL)
) STRICT;

CREATE INDEX api_keys_by_tenant ON api_keys (tenant);

-- +goose StatementBegin
CREATE TRIGGER revoked_keys_stay_so BEFORE UPDATE ON api_keys
WHEN NEW.hash <> OLD.hash OR NEW.role <> OLD.role OR NEW.tenant IS NOT OLD.tenant OR OLD.revoked_at IS NOT NULL
BEGIN
    SELECT raise(ABORT, 'a key changes only by being revoked, once');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE api_keys;
