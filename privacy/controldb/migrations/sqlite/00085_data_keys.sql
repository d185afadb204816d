-- +goose Up
-- The keys that data is encrypted with, wrapped by the key-encryption key, which is
-- not here. A wrapped key opens in its own row only. Deleting a row shreds what it
-- was the key of. Times are microseconds since 1970, UTC.
CREATE TABLE data_keys (
    tenant     TEXT    NOT NULL, -- empty: the system's and public tables'
    name       TEXT    NOT NULL, -- what it is the key of
    wrapped    BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

-- +goose StatementBegin
CREATE TRIGGER data_keys_stay_whose_they_are BEFORE UPDATE ON data_keys
WHEN NEW.tenant <> OLD.tenant OR NEW.name <> OLD.name OR NEW.created_at <> OLD.created_at
BEGIN
    SELECT raise(ABORT, 'a data key is only wrapped anew');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE data_keys;
