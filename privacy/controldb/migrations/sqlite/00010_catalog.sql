-- +goose Up
-- Who takes part and what data there is. Times are microseconds since 1970, UTC.

-- Deleting a tenant deletes its row, and with it its memberships and keys.
-- Its budget accounts are named, not referenced, and stay as they are.
CREATE TABLE tenants (
    name       TEXT    PRIMARY KEY,
    region     TEXT    NOT NULL,
    suspended  INTEGER NOT NULL DEFAULT 0 CHECK (suspended IN (0, 1)),
    created_at INTEGER NOT NULL,
    created_by TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- Contracts as they were sent, byte for byte, and for ever.
CREATE TABLE dataset_versions (
    dataset    TEXT    NOT NULL,
    version    INTEGER NOT NULL CHECK (version >= 1),
    document   BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT    NOT NULL,
    PRIMARY KEY (dataset, version)
) STRICT;

CREATE TABLE members (
    dataset     TEXT    NOT NULL,
    tenant      TEXT    NOT NULL REFERENCES tenants (name) ON DELETE CASCADE,
    version     INTEGER NOT NULL,
    accepted_at INTEGER NOT NULL,
    accepted_by TEXT    NOT NULL,
    PRIMARY KEY (dataset, tenant),
    FOREIGN KEY (dataset, version) REFERENCES dataset_versions (dataset, version)
) STRICT, WITHOUT ROWID;

CREATE INDEX members_by_tenant ON members (tenant);

-- The keys under which unit ids become pseudonyms, and the salt of the choice
-- of a unit's contributions. The row without a tenant is the dataset's.
CREATE TABLE dataset_secrets (
    dataset       TEXT NOT NULL,
    tenant        TEXT NOT NULL, -- empty: the dataset's own
    pseudonym_key BLOB NOT NULL CHECK (length(pseudonym_key) = 32),
    salt          BLOB NOT NULL CHECK (length(salt) = 16),
    PRIMARY KEY (dataset, tenant)
) STRICT, WITHOUT ROWID;

-- Published states of one tenant's data in one dataset. At most one is current.
CREATE TABLE generations (
    id             TEXT    PRIMARY KEY,
    dataset        TEXT    NOT NULL,
    tenant         TEXT    NOT NULL,
    version        INTEGER NOT NULL, -- of the contract that it was loaded under
    format_version INTEGER NOT NULL,
    load           TEXT    NOT NULL,
    at             INTEGER NOT NULL,
    superseded_at  INTEGER,
    FOREIGN KEY (dataset, version) REFERENCES dataset_versions (dataset, version)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX generations_current ON generations (dataset, tenant) WHERE superseded_at IS NULL;

CREATE TABLE segments (
    id     TEXT    PRIMARY KEY,
    path   TEXT    NOT NULL UNIQUE, -- relative to the data directory
    rows   INTEGER NOT NULL CHECK (rows >= 0),
    bytes  INTEGER NOT NULL CHECK (bytes >= 0),
    sha256 TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE generation_segments (
    generation TEXT    NOT NULL REFERENCES generations (id),
    ordinal    INTEGER NOT NULL,
    segment    TEXT    NOT NULL REFERENCES segments (id),
    PRIMARY KEY (generation, ordinal)
) STRICT, WITHOUT ROWID;

CREATE INDEX generation_segments_by_segment ON generation_segments (segment);

-- The rules below hold whatever a later version of the program tries.
-- +goose StatementBegin
CREATE TRIGGER dataset_versions_are_final BEFORE UPDATE ON dataset_versions
BEGIN
    SELECT raise(ABORT, 'a contract version never changes');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER dataset_versions_stay BEFORE DELETE ON dataset_versions
BEGIN
    SELECT raise(ABORT, 'a contract version is never deleted');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER superseded_generations_stay_so BEFORE UPDATE OF superseded_at ON generations
WHEN OLD.superseded_at IS NOT NULL
BEGIN
    SELECT raise(ABORT, 'a superseded generation never becomes current again');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER secrets_are_final BEFORE UPDATE ON dataset_secrets
BEGIN
    SELECT raise(ABORT, 'rows are stored under this key');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE generation_segments;
DROP TABLE segments;
DROP TABLE generations;
DROP TABLE dataset_secrets;
DROP TABLE members;
DROP TABLE dataset_versions;
DROP TABLE tenants;
