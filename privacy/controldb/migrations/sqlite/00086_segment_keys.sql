-- +goose Up
-- A segment's key goes with its record, and a tenant's segments become unreadable
-- when the tenant is deleted, at once and wherever copies of them are. Triggers do
-- it: no writer can forget to.
CREATE INDEX data_keys_by_name ON data_keys (name);

-- +goose StatementBegin
CREATE TRIGGER data_keys_go_with_segments AFTER DELETE ON segments
BEGIN
    DELETE FROM data_keys WHERE name = 'segment:' || OLD.id;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER data_keys_go_with_tenants AFTER DELETE ON tenants
BEGIN
    DELETE FROM data_keys WHERE tenant = OLD.name AND substr(name, 1, 8) = 'segment:';
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER data_keys_go_with_tenants;
DROP TRIGGER data_keys_go_with_segments;
DROP INDEX data_keys_by_name;
