-- +goose Up
-- Who was served a release, to tell whom it concerns that somebody asked for it.
CREATE INDEX release_readers_by_release ON release_readers (release);

-- +goose Down
DROP INDEX release_readers_by_release;
