-- +goose Up
-- Every set of policies that was ever in force, as it was given, for ever: a
-- release names the version that permitted it. Of those from the API the latest is
-- in force; those from files and the defaults stand here when they are first used.
CREATE TABLE policy_versions (
    version    INTEGER NOT NULL PRIMARY KEY CHECK (version >= 1),
    source     TEXT    NOT NULL CHECK (source IN ('api', 'files', 'default')),
    digest     TEXT    NOT NULL, -- of document
    document   TEXT    NOT NULL, -- a JSON object: the text of each file by its name
    created_at INTEGER NOT NULL,
    created_by TEXT    NOT NULL
) STRICT;

CREATE INDEX policy_versions_by_source ON policy_versions (source, version);

-- +goose StatementBegin
CREATE TRIGGER policy_versions_are_final BEFORE UPDATE ON policy_versions
BEGIN
    SELECT raise(ABORT, 'a version of the policies never changes');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER policy_versions_stay BEFORE DELETE ON policy_versions
BEGIN
    SELECT raise(ABORT, 'a version of the policies is never deleted');
END;
-- +goose StatementEnd

-- What a release was paid for, and what each of its readers was shown it for: the
-- purpose that was given, empty for none, and the version of the policies that
-- permitted it, 0 before there were any.
ALTER TABLE releases ADD COLUMN purpose TEXT NOT NULL DEFAULT '';
ALTER TABLE releases ADD COLUMN policy INTEGER NOT NULL DEFAULT 0;
ALTER TABLE release_readers ADD COLUMN purpose TEXT NOT NULL DEFAULT '';
ALTER TABLE release_readers ADD COLUMN policy INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE release_readers DROP COLUMN policy;
ALTER TABLE release_readers DROP COLUMN purpose;
ALTER TABLE releases DROP COLUMN policy;
ALTER TABLE releases DROP COLUMN purpose;
DROP TABLE policy_versions;
