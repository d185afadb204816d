-- +goose Up
-- Which programs gave the store its schema, so that an earlier one, which refuses the
-- store, can say which. Times are microseconds since 1970, UTC.
CREATE TABLE programs (
    seq        INTEGER PRIMARY KEY,
    at         INTEGER NOT NULL,
    program    TEXT    NOT NULL, -- its version; '' where it did not say
    migrations TEXT    NOT NULL  -- those that it applied, a JSON list of numbers
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER programs_stay_so BEFORE UPDATE ON programs
BEGIN
    SELECT raise(ABORT, 'what a program did to the store is never rewritten');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE programs;
