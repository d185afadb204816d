-- +goose Up
-- Load jobs. Times are microseconds since 1970, UTC.

CREATE TABLE loads (
    seq           INTEGER PRIMARY KEY, -- order of arrival; internal, since it counts everyone's loads
    id            TEXT    NOT NULL UNIQUE,
    tenant        TEXT    NOT NULL,
    tenant_since  INTEGER NOT NULL, -- when the tenant was created: another tenant of the same name sees none of this
    dataset       TEXT    NOT NULL,
    load_id       TEXT    NOT NULL, -- the contributor's; the load's own id when there was none
    write_mode    TEXT    NOT NULL CHECK (write_mode IN ('append', 'replace')),
    format        TEXT    NOT NULL,
    encoding      TEXT    NOT NULL,
    max_bad       INTEGER NOT NULL CHECK (max_bad >= 0),
    dry_run       INTEGER NOT NULL CHECK (dry_run IN (0, 1)),
    sha256        TEXT    NOT NULL, -- of the upload as received
    bytes         INTEGER NOT NULL,
    state         TEXT    NOT NULL CHECK (state IN ('pending', 'running', 'succeeded', 'failed', 'cancelled')),
    attempts      INTEGER NOT NULL DEFAULT 0, -- also names the attempt that may finish the load
    segment       TEXT, -- the id of the file that the running attempt may leave behind
    rows_read     INTEGER NOT NULL DEFAULT 0,
    rows_loaded   INTEGER NOT NULL DEFAULT 0,
    rows_rejected INTEGER NOT NULL DEFAULT 0,
    ignored       TEXT    NOT NULL DEFAULT '[]',
    generation    TEXT,
    error_code    TEXT,
    error         TEXT,
    created_by    TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    finished_at   INTEGER,
    UNIQUE (tenant, tenant_since, dataset, load_id)
) STRICT;

CREATE INDEX loads_by_tenant ON loads (tenant, tenant_since, seq);
CREATE INDEX loads_open ON loads (seq) WHERE state IN ('pending', 'running');

-- Loads of one tenant into one dataset run one after the other.
CREATE UNIQUE INDEX loads_running ON loads (tenant, dataset) WHERE state = 'running';

-- +goose StatementBegin
CREATE TRIGGER finished_loads_stay_so BEFORE UPDATE OF state ON loads
WHEN OLD.state IN ('succeeded', 'failed', 'cancelled')
BEGIN
    SELECT raise(ABORT, 'a finished load never changes its state');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE loads;
