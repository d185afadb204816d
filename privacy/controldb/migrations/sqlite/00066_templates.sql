-- +goose Up
-- Queries that may be asked by name: every version for ever, the latest is asked.
-- One without a document ends the template.
CREATE TABLE template_versions (
    dataset    TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    version    INTEGER NOT NULL CHECK (version >= 1),
    document   TEXT    NOT NULL,
    created_at INTEGER NOT NULL, -- microseconds since 1970, UTC
    created_by TEXT    NOT NULL,
    PRIMARY KEY (dataset, name, version)
) STRICT, WITHOUT ROWID;

-- +goose StatementBegin
CREATE TRIGGER template_versions_are_final BEFORE UPDATE ON template_versions
BEGIN
    SELECT raise(ABORT, 'a version of a template never changes');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER template_versions_stay BEFORE DELETE ON template_versions
BEGIN
    SELECT raise(ABORT, 'a version of a template is never deleted');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE template_versions;
