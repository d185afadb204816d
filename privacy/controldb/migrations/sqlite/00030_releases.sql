-- +goose Up
-- One row per noised result that left the system. The noised core is what later
-- views of the same release are computed from; result is the first view, with
-- intervals, as an Arrow stream.
CREATE TABLE releases (
    id               TEXT    NOT NULL PRIMARY KEY,
    key              TEXT    NOT NULL UNIQUE,
    charge           TEXT    NOT NULL UNIQUE,
    dataset          TEXT    NOT NULL,
    contract_version INTEGER NOT NULL,
    sql              TEXT    NOT NULL,
    epsilon          REAL    NOT NULL,
    delta            REAL    NOT NULL,
    core             BLOB    NOT NULL,
    result           BLOB    NOT NULL,
    created_at       INTEGER NOT NULL,
    cached_hits      INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Which principals asked for a release, and so may read it again. seq orders a
-- principal's own list.
CREATE TABLE release_readers (
    seq       INTEGER PRIMARY KEY AUTOINCREMENT,
    release   TEXT    NOT NULL REFERENCES releases (id),
    principal TEXT    NOT NULL,
    UNIQUE (principal, release)
) STRICT;

-- +goose Down
DROP TABLE release_readers;
DROP TABLE releases;
