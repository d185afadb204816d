-- +goose Up
-- Where a file's rows belong: the region that its tenant had when it was written.
-- It outlives the tenant, so that a server of another region knows that a file is
-- none of its own to remove.
ALTER TABLE segments ADD COLUMN region TEXT NOT NULL DEFAULT ''; -- empty: none

UPDATE segments SET region = coalesce((
    SELECT t.region FROM generation_segments gs JOIN generations g ON g.id = gs.generation JOIN tenants t ON t.name = g.tenant
    WHERE gs.segment = segments.id AND g.at >= t.created_at LIMIT 1), '');

-- A tenant may be given a region after it has loaded, and its files with it; from
-- then on they stay there.
-- +goose StatementBegin
CREATE TRIGGER segments_stay_in_their_region BEFORE UPDATE OF region ON segments
WHEN OLD.region <> '' AND NEW.region <> OLD.region
BEGIN
    SELECT raise(ABORT, 'a file never leaves its region');
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER segments_stay_in_their_region;
ALTER TABLE segments DROP COLUMN region;
