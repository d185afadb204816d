-- +goose Up
-- The dimensions whose codes are stored with the rows, as a JSON object: each with
-- what identifies its declared values. NULL where there are none, as in all
-- segments so far.
ALTER TABLE segments ADD COLUMN codes TEXT;

-- +goose Down
ALTER TABLE segments DROP COLUMN codes;
