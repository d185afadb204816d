-- +goose Up
-- When a segment's rows were merged into another one without a new generation:
-- queries that began before still read its file.
ALTER TABLE segments ADD COLUMN replaced_at INTEGER;

-- Segment files that a merge is about to write, until they are published. What
-- is left here when a server starts was never seen by anybody.
CREATE TABLE compactions (
    segment TEXT PRIMARY KEY,
    path    TEXT NOT NULL -- relative to the data directory
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE compactions;
ALTER TABLE segments DROP COLUMN replaced_at;
