-- +goose Up
-- What is suspended. A row is in force for as long as it is there; who placed and
-- lifted which is on the log. Times are microseconds since 1970, UTC.
CREATE TABLE suspensions (
    kind      TEXT    NOT NULL CHECK (kind IN ('everything', 'tenant', 'principal', 'dataset')),
    name      TEXT    NOT NULL,
    owner     TEXT    NOT NULL, -- the tenant whose suspension it is; '' for the operators'
    reason    TEXT    NOT NULL,
    placed_by TEXT    NOT NULL,
    since     INTEGER NOT NULL,
    PRIMARY KEY (kind, name, owner),
    CHECK (owner = '' OR kind = 'principal' OR kind = 'tenant' AND owner = name),
    CHECK (kind <> 'everything' OR name = 'all')
) STRICT, WITHOUT ROWID;

CREATE INDEX suspensions_by_owner ON suspensions (owner);

-- How often they have changed, so that a process may keep what it has read for as
-- long as that is true. Triggers count: no writer can forget to.
CREATE TABLE suspension_changes (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    change INTEGER NOT NULL
) STRICT;
INSERT INTO suspension_changes (one, change) VALUES (1, 1);

-- What tenants say of themselves below follows from suspensions, and is kept there
-- for those who read members: suspended by operators, paused by itself.
ALTER TABLE tenants ADD COLUMN paused INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1));

INSERT INTO suspensions (kind, name, owner, reason, placed_by, since)
    SELECT 'tenant', name, '', 'suspended as a tenant', 'system', CAST(unixepoch() AS INTEGER) * 1000000 FROM tenants WHERE suspended = 1;

-- +goose StatementBegin
CREATE TRIGGER suspension_changes_grow BEFORE UPDATE ON suspension_changes
WHEN NEW.change <= OLD.change
BEGIN
    SELECT raise(ABORT, 'numbers of changes only grow');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER suspension_changes_stay BEFORE DELETE ON suspension_changes
BEGIN
    SELECT raise(ABORT, 'numbers of changes only grow');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER suspensions_inserted AFTER INSERT ON suspensions
BEGIN
    UPDATE suspension_changes SET change = change + 1;
    UPDATE tenants SET suspended = 1 WHERE NEW.kind = 'tenant' AND NEW.owner = '' AND name = NEW.name;
    UPDATE tenants SET paused = 1 WHERE NEW.kind = 'tenant' AND NEW.owner = NEW.name AND name = NEW.name;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER suspensions_updated AFTER UPDATE ON suspensions
BEGIN
    UPDATE suspension_changes SET change = change + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER suspensions_stay_what_they_are BEFORE UPDATE OF kind, name, owner ON suspensions
WHEN NEW.kind <> OLD.kind OR NEW.name <> OLD.name OR NEW.owner <> OLD.owner
BEGIN
    SELECT raise(ABORT, 'what is suspended by whom is another suspension');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER suspensions_deleted AFTER DELETE ON suspensions
BEGIN
    UPDATE suspension_changes SET change = change + 1;
    UPDATE tenants SET suspended = 0 WHERE OLD.kind = 'tenant' AND OLD.owner = '' AND name = OLD.name;
    UPDATE tenants SET paused = 0 WHERE OLD.kind = 'tenant' AND OLD.owner = OLD.name AND name = OLD.name;
END;
-- +goose StatementEnd

-- There is one way to suspend a tenant.
-- +goose StatementBegin
CREATE TRIGGER tenants_are_suspended_there BEFORE UPDATE OF suspended, paused ON tenants
WHEN NEW.suspended <> EXISTS (SELECT 1 FROM suspensions WHERE kind = 'tenant' AND name = NEW.name AND owner = '')
    OR NEW.paused <> EXISTS (SELECT 1 FROM suspensions WHERE kind = 'tenant' AND name = NEW.name AND owner = NEW.name)
BEGIN
    SELECT raise(ABORT, 'a tenant is suspended in suspensions');
END;
-- +goose StatementEnd
-- A tenant that is created again has none of those that the one before it had.
-- +goose StatementBegin
CREATE TRIGGER suspensions_go_with_tenants AFTER DELETE ON tenants
BEGIN
    DELETE FROM suspensions WHERE kind = 'tenant' AND name = OLD.name OR owner = OLD.name;
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER suspensions_go_with_tenants;
DROP TRIGGER tenants_are_suspended_there;
DROP TRIGGER suspensions_deleted;
DROP TRIGGER suspensions_stay_what_they_are;
DROP TRIGGER suspensions_updated;
DROP TRIGGER suspensions_inserted;
DROP TABLE suspension_changes;
DROP TABLE suspensions;
ALTER TABLE tenants DROP COLUMN paused;
