-- +goose Up
-- The loads of a segment whose ranks go on from those of loads before; 0 where
-- all of its rows were ranked at once, as those of all old segments were.
ALTER TABLE segments ADD COLUMN appended INTEGER NOT NULL DEFAULT 0 CHECK (appended >= 0);

-- +goose Down
ALTER TABLE segments DROP COLUMN appended;
