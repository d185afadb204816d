-- +goose Up
-- What the detector noticed: one row for a principal, a signal and an hour. Times
-- are microseconds since 1970, UTC. Rows go when they are too old.
CREATE TABLE alerts (
    seq       INTEGER PRIMARY KEY AUTOINCREMENT,
    id        TEXT    NOT NULL UNIQUE,
    at        INTEGER NOT NULL,
    signal    TEXT    NOT NULL,
    principal TEXT    NOT NULL, -- '' where nobody is known
    tenant    TEXT    NOT NULL, -- the principal's; '' for none
    hour      INTEGER NOT NULL, -- since 1970
    observed  REAL    NOT NULL,
    limited   REAL    NOT NULL, -- what was usual at most
    suspended INTEGER NOT NULL CHECK (suspended IN (0, 1)),
    UNIQUE (signal, principal, hour)
) STRICT;

CREATE INDEX alerts_by_time ON alerts (at);
CREATE INDEX alerts_by_tenant ON alerts (tenant, seq);

-- +goose StatementBegin
CREATE TRIGGER alerts_stay_so BEFORE UPDATE ON alerts
BEGIN
    SELECT raise(ABORT, 'an alert never changes');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE alerts;
