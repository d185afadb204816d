-- +goose Up
-- When everything that was stored plain before there were keys had been sealed, and
-- the store written anew. One row, or none.
CREATE TABLE sealing (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    done_at INTEGER NOT NULL -- microseconds since 1970, UTC
) STRICT;

-- +goose Down
DROP TABLE sealing;
