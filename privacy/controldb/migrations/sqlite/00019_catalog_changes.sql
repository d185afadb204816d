-- +goose Up
-- What has changed in the catalog, so that a process may keep what it has read
-- for as long as that is true. Numbers are taken in the transaction that makes
-- the change, by triggers: no writer can forget them. They only grow, and what
-- has no row has not changed since there were numbers.

-- The last change of the current generation of each tenant of a dataset, or of
-- what segments it has.
CREATE TABLE head_changes (
    dataset TEXT    NOT NULL,
    tenant  TEXT    NOT NULL,
    change  INTEGER NOT NULL, -- counted per dataset
    PRIMARY KEY (dataset, tenant)
) STRICT, WITHOUT ROWID;

CREATE INDEX head_changes_in_order ON head_changes (dataset, change);

-- The last change of a dataset's versions and members, or of whether one of them
-- is suspended.
CREATE TABLE member_changes (
    dataset TEXT    PRIMARY KEY,
    change  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Inserting into these views counts a change.
CREATE VIEW changed_heads (dataset, tenant) AS SELECT dataset, tenant FROM head_changes;
CREATE VIEW changed_members (dataset) AS SELECT dataset FROM member_changes;
-- +goose StatementBegin
CREATE TRIGGER count_changed_heads INSTEAD OF INSERT ON changed_heads
BEGIN
    INSERT INTO head_changes (dataset, tenant, change)
    VALUES (NEW.dataset, NEW.tenant, 1 + coalesce((SELECT max(change) FROM head_changes WHERE dataset = NEW.dataset), 0))
    ON CONFLICT (dataset, tenant) DO UPDATE SET change = excluded.change;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER count_changed_members INSTEAD OF INSERT ON changed_members
BEGIN
    INSERT INTO member_changes (dataset, change) VALUES (NEW.dataset, 1)
    ON CONFLICT (dataset) DO UPDATE SET change = change + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER head_changes_grow BEFORE UPDATE ON head_changes
WHEN NEW.change <= OLD.change OR NEW.dataset <> OLD.dataset OR NEW.tenant <> OLD.tenant
BEGIN
    SELECT raise(ABORT, 'numbers of changes only grow');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER head_changes_stay BEFORE DELETE ON head_changes
BEGIN
    SELECT raise(ABORT, 'numbers of changes only grow');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER member_changes_grow BEFORE UPDATE ON member_changes
WHEN NEW.change <= OLD.change OR NEW.dataset <> OLD.dataset
BEGIN
    SELECT raise(ABORT, 'numbers of changes only grow');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER member_changes_stay BEFORE DELETE ON member_changes
BEGIN
    SELECT raise(ABORT, 'numbers of changes only grow');
END;
-- +goose StatementEnd

-- A generation that was superseded never becomes current again: what happens to
-- it and to its segments changes no head.
-- +goose StatementBegin
CREATE TRIGGER generations_inserted AFTER INSERT ON generations
WHEN NEW.superseded_at IS NULL
BEGIN
    INSERT INTO changed_heads VALUES (NEW.dataset, NEW.tenant);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER generations_updated AFTER UPDATE ON generations
WHEN OLD.superseded_at IS NULL OR NEW.superseded_at IS NULL
BEGIN
    INSERT INTO changed_heads VALUES (OLD.dataset, OLD.tenant);
    INSERT INTO changed_heads SELECT NEW.dataset, NEW.tenant WHERE NEW.dataset <> OLD.dataset OR NEW.tenant <> OLD.tenant;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER generations_deleted AFTER DELETE ON generations
WHEN OLD.superseded_at IS NULL
BEGIN
    INSERT INTO changed_heads VALUES (OLD.dataset, OLD.tenant);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER generation_segments_inserted AFTER INSERT ON generation_segments
BEGIN
    INSERT INTO changed_heads SELECT dataset, tenant FROM generations WHERE id = NEW.generation AND superseded_at IS NULL;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER generation_segments_updated AFTER UPDATE ON generation_segments
BEGIN
    INSERT INTO changed_heads SELECT dataset, tenant FROM generations WHERE id IN (OLD.generation, NEW.generation) AND superseded_at IS NULL;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER generation_segments_deleted AFTER DELETE ON generation_segments
BEGIN
    INSERT INTO changed_heads SELECT dataset, tenant FROM generations WHERE id = OLD.generation AND superseded_at IS NULL;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER segments_inserted AFTER INSERT ON segments
BEGIN
    INSERT INTO changed_heads SELECT g.dataset, g.tenant FROM generation_segments gs JOIN generations g ON g.id = gs.generation
    WHERE gs.segment = NEW.id AND g.superseded_at IS NULL;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER segments_updated AFTER UPDATE ON segments
BEGIN
    INSERT INTO changed_heads SELECT g.dataset, g.tenant FROM generation_segments gs JOIN generations g ON g.id = gs.generation
    WHERE gs.segment IN (OLD.id, NEW.id) AND g.superseded_at IS NULL;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER segments_deleted AFTER DELETE ON segments
BEGIN
    INSERT INTO changed_heads SELECT g.dataset, g.tenant FROM generation_segments gs JOIN generations g ON g.id = gs.generation
    WHERE gs.segment = OLD.id AND g.superseded_at IS NULL;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER members_inserted AFTER INSERT ON members
BEGIN
    INSERT INTO changed_members VALUES (NEW.dataset);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER members_updated AFTER UPDATE ON members
BEGIN
    INSERT INTO changed_members VALUES (OLD.dataset);
    INSERT INTO changed_members SELECT NEW.dataset WHERE NEW.dataset <> OLD.dataset;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER members_deleted AFTER DELETE ON members
BEGIN
    INSERT INTO changed_members VALUES (OLD.dataset);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER tenants_inserted AFTER INSERT ON tenants
BEGIN
    INSERT INTO changed_members SELECT dataset FROM members WHERE tenant = NEW.name;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER tenants_updated AFTER UPDATE ON tenants
BEGIN
    INSERT INTO changed_members SELECT dataset FROM members WHERE tenant IN (OLD.name, NEW.name);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER tenants_deleted AFTER DELETE ON tenants
BEGIN
    INSERT INTO changed_members SELECT dataset FROM members WHERE tenant = OLD.name;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER dataset_versions_inserted AFTER INSERT ON dataset_versions
BEGIN
    INSERT INTO changed_members VALUES (NEW.dataset);
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER dataset_versions_inserted;
DROP TRIGGER tenants_deleted;
DROP TRIGGER tenants_updated;
DROP TRIGGER tenants_inserted;
DROP TRIGGER members_deleted;
DROP TRIGGER members_updated;
DROP TRIGGER members_inserted;
DROP TRIGGER segments_deleted;
DROP TRIGGER segments_updated;
DROP TRIGGER segments_inserted;
DROP TRIGGER generation_segments_deleted;
DROP TRIGGER generation_segments_updated;
DROP TRIGGER generation_segments_inserted;
DROP TRIGGER generations_deleted;
DROP TRIGGER generations_updated;
DROP TRIGGER generations_inserted;
DROP VIEW changed_members;
DROP VIEW changed_heads;
DROP TABLE member_changes;
DROP TABLE head_changes;
