-- +goose Up
-- Requests that were refused: who asked for what, and the code of the answer.
-- Times are microseconds since 1970, UTC. Rows go when they are too old, and
-- never change.
CREATE TABLE refusals (
    seq       INTEGER PRIMARY KEY AUTOINCREMENT, -- order of arrival, never used twice; internal, since it counts everyone's
    id        TEXT    NOT NULL UNIQUE,
    at        INTEGER NOT NULL,
    principal TEXT    NOT NULL, -- '' where the caller is not known
    tenant    TEXT    NOT NULL, -- the principal's; '' for none
    operation TEXT    NOT NULL, -- of the API's document; '' for a path that has none
    code      TEXT    NOT NULL,
    params    TEXT    NOT NULL, -- names in the path, as a JSON object
    address   TEXT    NOT NULL CHECK (address IN ('', 'loopback', 'private', 'public')),
    request   TEXT    NOT NULL,
    missing   INTEGER NOT NULL DEFAULT 0 CHECK (missing >= 0) -- of a gap: how many refusals have no row
) STRICT;

CREATE INDEX refusals_by_time ON refusals (at);
CREATE INDEX refusals_by_principal ON refusals (principal, seq);

-- The tenants that a refusal concerns: those that may read of it.
CREATE TABLE refusal_tenants (
    tenant  TEXT    NOT NULL,
    refusal INTEGER NOT NULL REFERENCES refusals (seq) ON DELETE CASCADE,
    PRIMARY KEY (tenant, refusal)
) STRICT, WITHOUT ROWID;

CREATE INDEX refusal_tenants_by_refusal ON refusal_tenants (refusal);

-- +goose StatementBegin
CREATE TRIGGER refusals_stay_so BEFORE UPDATE ON refusals
BEGIN
    SELECT raise(ABORT, 'a refusal on record never changes');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE refusal_tenants;
DROP TABLE refusals;
