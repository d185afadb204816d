-- +goose Up
-- Defaults for the accounts per group of principals.
CREATE TABLE account_defaults_with_groups (
    kind    TEXT NOT NULL CHECK (kind IN ('tenant-dataset', 'tenant-principal', 'tenant-group')),
    tenant  TEXT NOT NULL,
    epsilon REAL NOT NULL,
    delta   REAL NOT NULL,
    PRIMARY KEY (kind, tenant)
) STRICT, WITHOUT ROWID;
INSERT INTO account_defaults_with_groups (kind, tenant, epsilon, delta)
    SELECT kind, tenant, epsilon, delta FROM account_defaults;
DROP TABLE account_defaults;
ALTER TABLE account_defaults_with_groups RENAME TO account_defaults;

-- +goose Down
DELETE FROM account_defaults WHERE kind = 'tenant-group';
