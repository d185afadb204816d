-- +goose Up
-- What the operator has set for a tenant; what has no row is as the server's
-- configuration says.
CREATE TABLE tenant_quotas (
    tenant TEXT    NOT NULL REFERENCES tenants (name) ON DELETE CASCADE,
    quota  TEXT    NOT NULL,
    value  INTEGER NOT NULL CHECK (value >= -1), -- -1: unlimited
    PRIMARY KEY (tenant, quota)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE tenant_quotas;
