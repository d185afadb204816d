-- +goose Up
-- The groupings whose ranks are stored with a segment's rows, as a JSON list of
-- lists of columns; NULL for segments of before, which have no ranks at all.
ALTER TABLE segments ADD COLUMN ranks TEXT;

-- +goose Down
ALTER TABLE segments DROP COLUMN ranks;
