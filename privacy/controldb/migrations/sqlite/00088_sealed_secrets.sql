-- +goose Up
-- Secrets may be sealed: both in the place of the key, and no salt. What is plain
-- may become sealed once, and nothing else ever changes.
CREATE TABLE secrets_of_datasets (
    dataset       TEXT NOT NULL,
    tenant        TEXT NOT NULL, -- empty: the dataset's own
    pseudonym_key BLOB NOT NULL,
    salt          BLOB NOT NULL,
    PRIMARY KEY (dataset, tenant),
    CHECK (length(pseudonym_key) = 32 AND length(salt) = 16 OR length(pseudonym_key) > 48 AND length(salt) = 0)
) STRICT, WITHOUT ROWID;

INSERT INTO secrets_of_datasets (dataset, tenant, pseudonym_key, salt) SELECT dataset, tenant, pseudonym_key, salt FROM dataset_secrets;
DROP TABLE dataset_secrets;
ALTER TABLE secrets_of_datasets RENAME TO dataset_secrets;

-- +goose StatementBegin
CREATE TRIGGER secrets_are_final BEFORE UPDATE ON dataset_secrets
WHEN NEW.dataset <> OLD.dataset OR NEW.tenant <> OLD.tenant OR length(OLD.salt) = 0 OR length(NEW.salt) > 0
BEGIN
    SELECT raise(ABORT, 'rows are stored under this key');
END;
-- +goose StatementEnd

-- Deleting a tenant forgets what its uploads, its rejected rows and the records of
-- its loads are sealed under, whoever deletes it.
-- +goose StatementBegin
CREATE TRIGGER data_keys_of_loads_go_with_tenants AFTER DELETE ON tenants
BEGIN
    DELETE FROM data_keys WHERE tenant = OLD.name AND (name = 'loads' OR substr(name, 1, 7) = 'upload:' OR substr(name, 1, 8) = 'rejects:');
END;
-- +goose StatementEnd

-- +goose Down
-- Fails where secrets are sealed: without them no data could be loaded any more.
DROP TRIGGER data_keys_of_loads_go_with_tenants;
CREATE TABLE plain_secrets (
    dataset       TEXT NOT NULL,
    tenant        TEXT NOT NULL,
    pseudonym_key BLOB NOT NULL CHECK (length(pseudonym_key) = 32),
    salt          BLOB NOT NULL CHECK (length(salt) = 16),
    PRIMARY KEY (dataset, tenant)
) STRICT, WITHOUT ROWID;
INSERT INTO plain_secrets (dataset, tenant, pseudonym_key, salt) SELECT dataset, tenant, pseudonym_key, salt FROM dataset_secrets;
DROP TABLE dataset_secrets;
ALTER TABLE plain_secrets RENAME TO dataset_secrets;
-- +goose StatementBegin
CREATE TRIGGER secrets_are_final BEFORE UPDATE ON dataset_secrets
BEGIN
    SELECT raise(ABORT, 'rows are stored under this key');
END;
-- +goose StatementEnd
