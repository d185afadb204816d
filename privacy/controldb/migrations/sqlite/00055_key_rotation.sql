-- +goose Up
-- A key that replaces another acts for the same principal, and so spends from
-- the same accounts. The principal is named after its first key.
DROP TRIGGER revoked_keys_stay_so;
ALTER TABLE api_keys ADD COLUMN principal TEXT NOT NULL DEFAULT '';
UPDATE api_keys SET principal = id;
CREATE INDEX api_keys_by_principal ON api_keys (principal);

-- The key that this one replaced. A key is replaced once.
ALTER TABLE api_keys ADD COLUMN rotated_from TEXT;
CREATE UNIQUE INDEX api_keys_rotate_once ON api_keys (rotated_from) WHERE rotated_from IS NOT NULL;

-- +goose StatementBegin
CREATE TRIGGER revoked_keys_stay_so BEFORE UPDATE ON api_keys
WHEN NEW.hash <> OLD.hash OR NEW.role <> OLD.role OR NEW.tenant IS NOT OLD.tenant OR NEW.spends_with <> OLD.spends_with
  OR NEW.principal <> OLD.principal OR NEW.rotated_from IS NOT OLD.rotated_from OR OLD.revoked_at IS NOT NULL
  OR (OLD.expires_at IS NOT NULL AND (NEW.expires_at IS NULL OR NEW.expires_at > OLD.expires_at))
BEGIN
    SELECT raise(ABORT, 'a key changes only by ending earlier');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER keys_have_a_principal BEFORE INSERT ON api_keys WHEN NEW.principal = ''
BEGIN
    SELECT raise(ABORT, 'a key acts for a principal');
END;
-- +goose StatementEnd

-- When a key was last used, to the minute or so. Apart from the keys, which
-- hardly ever change.
CREATE TABLE key_uses (
    key     TEXT    PRIMARY KEY REFERENCES api_keys (id) ON DELETE CASCADE,
    used_at INTEGER NOT NULL -- microseconds since 1970, UTC
) STRICT;

-- +goose Down
DROP TABLE key_uses;
DROP TRIGGER keys_have_a_principal;
DROP TRIGGER revoked_keys_stay_so;
DROP INDEX api_keys_rotate_once;
ALTER TABLE api_keys DROP COLUMN rotated_from;
DROP INDEX api_keys_by_principal;
ALTER TABLE api_keys DROP COLUMN principal;
-- +goose StatementBegin
CREATE TRIGGER revoked_keys_stay_so BEFORE UPDATE ON api_keys
WHEN NEW.hash <> OLD.hash OR NEW.role <> OLD.role OR NEW.tenant IS NOT OLD.tenant OR NEW.spends_with <> OLD.spends_with
  OR OLD.revoked_at IS NOT NULL
BEGIN
    SELECT raise(ABORT, 'a key changes only by being revoked, once');
END;
-- +goose StatementEnd
