-- +goose Up
-- Requests to erase people. Times are microseconds since 1970, UTC.
--
-- The ids of people are never here, and neither is the nonce of the commitment to
-- them that is on the log: whoever asked has it. What stands for people is their
-- pseudonyms, for as long as they are needed: until the new generation is published.

CREATE TABLE erasures (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    id           TEXT    NOT NULL UNIQUE,
    tenant       TEXT    NOT NULL,
    tenant_since INTEGER NOT NULL, -- when the tenant was created: another tenant of the same name sees none of this
    dataset      TEXT    NOT NULL,
    after_load   INTEGER NOT NULL, -- the last load, by seq, that came before: such run first, and later ones wait
    state        TEXT    NOT NULL CHECK (state IN ('pending', 'running', 'succeeded', 'failed')),
    attempts     INTEGER NOT NULL DEFAULT 0, -- those that ended in a fault; they also name the one that may finish it
    retry_at     INTEGER NOT NULL DEFAULT 0,
    forms        TEXT    NOT NULL, -- how ids were read, as a JSON list: the types and scopes of the unit in force
    asked        INTEGER NOT NULL CHECK (asked > 0), -- units, as they were sent
    units        BLOB, -- their pseudonyms, 8 bytes each
    rows_erased  INTEGER NOT NULL DEFAULT 0, -- of the tenant's own rows, for it alone
    generation   TEXT, -- that it published; from then on only removing is left
    error_code   TEXT,
    error        TEXT,
    created_by   TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    finished_at  INTEGER,
    CHECK (state NOT IN ('succeeded', 'failed') OR units IS NULL)
) STRICT;

CREATE INDEX erasures_by_tenant ON erasures (tenant, tenant_since, seq);
CREATE INDEX erasures_open ON erasures (tenant, dataset, seq) WHERE state IN ('pending', 'running');

-- Segment files that an erasure is about to write, until they are published. What
-- an attempt left here was never seen by anybody.
CREATE TABLE erasure_files (
    segment TEXT PRIMARY KEY,
    erasure TEXT NOT NULL,
    path    TEXT NOT NULL -- relative to the data directory
) STRICT, WITHOUT ROWID;

-- When an erasure took a generation's files away, whatever time replaced data is
-- kept for: a query that was to read them reads what is current then.
ALTER TABLE generations ADD COLUMN erased_at INTEGER;

-- +goose StatementBegin
CREATE TRIGGER finished_erasures_stay_so BEFORE UPDATE OF state ON erasures
WHEN OLD.state IN ('succeeded', 'failed')
BEGIN
    SELECT raise(ABORT, 'a finished erasure never changes its state');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE erasure_files;
DROP TABLE erasures;
ALTER TABLE generations DROP COLUMN erased_at;
