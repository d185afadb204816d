-- +goose Up
-- The table that a load is for; '' in a dataset of one table. Loads of public
-- tables are the operator's and have the tenant ''.
ALTER TABLE loads ADD COLUMN table_name TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE loads DROP COLUMN table_name;
