-- +goose Up
-- Datasets that were deleted. A row stays for ever: the name is never used again, so
-- that nothing of another dataset could be taken for something of this one, and what
-- was spent for it stays what it is. Times are microseconds since 1970, UTC.
CREATE TABLE deleted_datasets (
    dataset    TEXT    PRIMARY KEY,
    deleted_at INTEGER NOT NULL,
    deleted_by TEXT    NOT NULL,
    swept_at   INTEGER -- when the last of its files was gone; NULL until then
) STRICT, WITHOUT ROWID;

CREATE INDEX deleted_datasets_to_sweep ON deleted_datasets (dataset) WHERE swept_at IS NULL;

-- 1: the result was shredded with its dataset. What is in its place is its SHA-256,
-- sealed as it was, by which the log can still be verified.
ALTER TABLE releases ADD COLUMN shredded INTEGER NOT NULL DEFAULT 0 CHECK (shredded IN (0, 1));

-- What a file has in place of a column is not said any more: where a file names none, it
-- is a row.
UPDATE loads SET error = substr(error, 1, instr(error, '; the file has ') - 1)
WHERE error_code = 'load-rejected' AND instr(error, '; the file has ') > 0;

-- Deleting a dataset takes its data out of use and forgets every key that there is of
-- it, whoever deletes it: of its files, those that are being written too, of uploads,
-- of rejected rows and of pseudonyms.
-- +goose StatementBegin
CREATE TRIGGER datasets_deleted AFTER INSERT ON deleted_datasets
BEGIN
    DELETE FROM data_keys WHERE name IN (
        SELECT 'segment:' || id FROM segments WHERE path GLOB 'tenants/*/' || NEW.dataset || '/*' OR path GLOB 'public/' || NEW.dataset || '/*'
        UNION ALL SELECT 'segment:' || segment FROM compactions WHERE path GLOB 'tenants/*/' || NEW.dataset || '/*'
        UNION ALL SELECT 'segment:' || segment FROM erasure_files WHERE path GLOB 'tenants/*/' || NEW.dataset || '/*'
        UNION ALL SELECT 'segment:' || segment FROM loads WHERE dataset = NEW.dataset AND segment IS NOT NULL
        UNION ALL SELECT 'upload:' || id FROM loads WHERE dataset = NEW.dataset
        UNION ALL SELECT 'rejects:' || id FROM loads WHERE dataset = NEW.dataset);
    DELETE FROM dataset_secrets WHERE dataset = NEW.dataset;
    DELETE FROM members WHERE dataset = NEW.dataset;
    UPDATE generations SET superseded_at = NEW.deleted_at WHERE dataset = NEW.dataset AND superseded_at IS NULL;
    INSERT INTO changed_members VALUES (NEW.dataset);
    DELETE FROM suspensions WHERE kind = 'dataset' AND name = NEW.dataset;
    UPDATE suspension_changes SET change = change + 1; -- what runs on it is stopped by this
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER deleted_datasets_stay BEFORE DELETE ON deleted_datasets
BEGIN
    SELECT raise(ABORT, 'a dataset that was deleted stays so');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER deleted_datasets_stay_so BEFORE UPDATE ON deleted_datasets
WHEN NEW.dataset <> OLD.dataset OR NEW.deleted_at <> OLD.deleted_at OR NEW.deleted_by <> OLD.deleted_by OR OLD.swept_at IS NOT NULL
BEGIN
    SELECT raise(ABORT, 'a dataset that was deleted stays so');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER deleted_datasets_get_no_version BEFORE INSERT ON dataset_versions
WHEN EXISTS (SELECT 1 FROM deleted_datasets WHERE dataset = NEW.dataset)
BEGIN
    SELECT raise(ABORT, 'the dataset was deleted');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER deleted_datasets_get_no_member BEFORE INSERT ON members
WHEN EXISTS (SELECT 1 FROM deleted_datasets WHERE dataset = NEW.dataset)
BEGIN
    SELECT raise(ABORT, 'the dataset was deleted');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER deleted_datasets_get_no_data BEFORE INSERT ON generations
WHEN EXISTS (SELECT 1 FROM deleted_datasets WHERE dataset = NEW.dataset)
BEGIN
    SELECT raise(ABORT, 'the dataset was deleted');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER deleted_datasets_get_no_load BEFORE INSERT ON loads
WHEN EXISTS (SELECT 1 FROM deleted_datasets WHERE dataset = NEW.dataset)
BEGIN
    SELECT raise(ABORT, 'the dataset was deleted');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER deleted_datasets_get_no_secret BEFORE INSERT ON dataset_secrets
WHEN EXISTS (SELECT 1 FROM deleted_datasets WHERE dataset = NEW.dataset)
BEGIN
    SELECT raise(ABORT, 'the dataset was deleted');
END;
-- +goose StatementEnd

-- +goose Down
-- Fails where a dataset was deleted: an earlier program would let its name be used.
CREATE TABLE nothing_deleted (dataset TEXT CHECK (dataset IS NULL)) STRICT;
INSERT INTO nothing_deleted SELECT dataset FROM deleted_datasets;
DROP TABLE nothing_deleted;
DROP TRIGGER deleted_datasets_get_no_secret;
DROP TRIGGER deleted_datasets_get_no_load;
DROP TRIGGER deleted_datasets_get_no_data;
DROP TRIGGER deleted_datasets_get_no_member;
DROP TRIGGER deleted_datasets_get_no_version;
DROP TRIGGER deleted_datasets_stay_so;
DROP TRIGGER deleted_datasets_stay;
DROP TRIGGER datasets_deleted;
ALTER TABLE releases DROP COLUMN shredded;
DROP TABLE deleted_datasets;
