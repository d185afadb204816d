-- +goose Up
-- One row per noised result that left the system: the noised core, which every
-- view of the release is computed from.
CREATE TABLE releases (
    id               TEXT    NOT NULL PRIMARY KEY,
    key              TEXT    NOT NULL UNIQUE,
    charge           TEXT    NOT NULL UNIQUE,
    dataset          TEXT    NOT NULL,
    contract_version INTEGER NOT NULL,
    epsilon          REAL    NOT NULL,
    delta            REAL    NOT NULL,
    core             BLOB    NOT NULL,
    created_at       INTEGER NOT NULL
) STRICT;

-- Which principals asked for a release, and so may read it again: each reads the
-- view that it asked for first, and nothing of what others wrote. result is that
-- view with intervals, as an Arrow stream. seq orders a principal's own list.
CREATE TABLE release_readers (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    release     TEXT    NOT NULL REFERENCES releases (id),
    principal   TEXT    NOT NULL,
    sql         TEXT    NOT NULL,
    result      BLOB    NOT NULL,
    cached_hits INTEGER NOT NULL DEFAULT 0,
    UNIQUE (principal, release)
) STRICT;

-- +goose Down
DROP TABLE release_readers;
DROP TABLE releases;
