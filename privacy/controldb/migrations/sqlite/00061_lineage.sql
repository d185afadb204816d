-- +goose Up
-- Where data comes from and where it went. Files of data come and go, are merged
-- and swept; what is here stays, and says the same whatever rows there are.

-- What a generation was built on: the id of the generation whose rows it goes on
-- from, or '' where there was nothing that it could read. tables are those that it
-- has rows of, as a JSON list; NULL where nobody noted it, and then any of them.
ALTER TABLE generations ADD COLUMN base TEXT;
ALTER TABLE generations ADD COLUMN tables TEXT;

-- Generations of before were built on the one before them, or on nothing: what
-- they are said to hold may be more than they do.
UPDATE generations SET base = before.id FROM (
    SELECT g.id AS of, coalesce(lag(g.id) OVER (PARTITION BY g.dataset, g.tenant, l.tenant_since ORDER BY g.at, l.seq), '') AS id
    FROM generations g JOIN loads l ON l.id = g.load
) AS before WHERE before.of = generations.id;
UPDATE generations SET base = '' WHERE base IS NULL;

CREATE INDEX generations_by_base ON generations (base) WHERE base <> '';

-- +goose StatementBegin
CREATE TRIGGER generations_keep_their_base BEFORE UPDATE OF base, tables ON generations
BEGIN
    SELECT raise(ABORT, 'what a generation was built on never changes');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER generations_are_kept BEFORE DELETE ON generations
BEGIN
    SELECT raise(ABORT, 'generations are never deleted');
END;
-- +goose StatementEnd

-- What a release read: the tables, as a JSON list, NULL where nobody noted them.
CREATE TABLE release_lineage (
    release TEXT PRIMARY KEY REFERENCES releases (id),
    tables  TEXT
) STRICT, WITHOUT ROWID;

-- And of whom in which state: '' for a tenant that had loaded nothing. Public
-- tables are the tenant ''.
CREATE TABLE release_reads (
    release    TEXT NOT NULL REFERENCES release_lineage (release),
    tenant     TEXT NOT NULL,
    generation TEXT NOT NULL,
    PRIMARY KEY (release, tenant)
) STRICT, WITHOUT ROWID;

-- There is no index by generation: a release of a thousand tenants would write to
-- a thousand places. Whoever asks where a load went goes through the releases of
-- its dataset.
CREATE INDEX releases_by_dataset ON releases (dataset);

-- Releases of before read what was current when they were paid for, as far as
-- that is on record.
INSERT INTO release_lineage (release, tables) SELECT id, NULL FROM releases;
INSERT INTO release_reads (release, tenant, generation)
    SELECT r.id, t.value, coalesce((
        SELECT g.id FROM generations g WHERE g.dataset = r.dataset AND g.tenant = t.value
            AND g.at <= c.at AND (g.superseded_at IS NULL OR g.superseded_at > c.at) ORDER BY g.at DESC LIMIT 1), '')
    FROM releases r JOIN charges c ON c.id = r.charge, json_each(c.tenants) t
    WHERE TRUE ON CONFLICT DO NOTHING;
INSERT INTO release_reads (release, tenant, generation)
    SELECT r.id, '', g.id
    FROM releases r JOIN charges c ON c.id = r.charge
        JOIN generations g ON g.dataset = r.dataset AND g.tenant = '' AND g.at <= c.at AND (g.superseded_at IS NULL OR g.superseded_at > c.at)
    WHERE TRUE ON CONFLICT DO NOTHING;

-- +goose StatementBegin
CREATE TRIGGER release_lineage_stays BEFORE DELETE ON release_lineage
BEGIN
    SELECT raise(ABORT, 'what a release read is never forgotten');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER release_lineage_stays_so BEFORE UPDATE ON release_lineage
BEGIN
    SELECT raise(ABORT, 'what a release read never changes');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER release_reads_stay BEFORE DELETE ON release_reads
BEGIN
    SELECT raise(ABORT, 'what a release read is never forgotten');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER release_reads_stay_so BEFORE UPDATE ON release_reads
BEGIN
    SELECT raise(ABORT, 'what a release read never changes');
END;
-- +goose StatementEnd

-- +goose Down
DROP INDEX releases_by_dataset;
DROP TABLE release_reads;
DROP TABLE release_lineage;
DROP TRIGGER generations_are_kept;
DROP TRIGGER generations_keep_their_base;
DROP INDEX generations_by_base;
ALTER TABLE generations DROP COLUMN tables;
ALTER TABLE generations DROP COLUMN base;
