-- +goose Up
-- A dataset may have several tables: every segment holds rows of one of them.
-- Public tables are loaded by the operator, as generations of the tenant ''.
ALTER TABLE segments ADD COLUMN table_name TEXT NOT NULL DEFAULT ''; -- '': the dataset's only table

-- +goose Down
ALTER TABLE segments DROP COLUMN table_name;
