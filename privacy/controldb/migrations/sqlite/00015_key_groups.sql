-- +goose Up
-- The group that a key's holder spends with; empty for none. It is part of what
-- the key is, so it never changes.
ALTER TABLE api_keys ADD COLUMN spends_with TEXT NOT NULL DEFAULT '';
CREATE INDEX api_keys_by_group ON api_keys (spends_with) WHERE spends_with <> '';

DROP TRIGGER revoked_keys_stay_so;
-- +goose StatementBegin
CREATE TRIGGER revoked_keys_stay_so BEFORE UPDATE ON api_keys
WHEN NEW.hash <> OLD.hash OR NEW.role <> OLD.role OR NEW.tenant IS NOT OLD.tenant OR NEW.spends_with <> OLD.spends_with
  OR OLD.revoked_at IS NOT NULL
BEGIN
    SELECT raise(ABORT, 'a key changes only by being revoked, once');
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER revoked_keys_stay_so;
-- +goose StatementBegin
CREATE TRIGGER revoked_keys_stay_so BEFORE UPDATE ON api_keys
WHEN NEW.hash <> OLD.hash OR NEW.role <> OLD.role OR NEW.tenant IS NOT OLD.tenant OR OLD.revoked_at IS NOT NULL
BEGIN
    SELECT raise(ABORT, 'a key changes only by being revoked, once');
END;
-- +goose StatementEnd
DROP INDEX api_keys_by_group;
ALTER TABLE api_keys DROP COLUMN spends_with;
