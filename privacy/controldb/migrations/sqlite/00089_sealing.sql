-- +goose Up
-- When everything that was stored plain before there were keys had been sealed, and
-- the store written anew. One row, or none.
CREATE TABLE sealing (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    done_at INTEGER NOT NULL -- microseconds since 1970, UTC
) STRICT;

-- Of a refusal on record nothing changes but that its parameters become sealed, once.
DROP TRIGGER refusals_stay_so;
-- +goose StatementBegin
CREATE TRIGGER refusals_stay_so BEFORE UPDATE ON refusals
WHEN substr(OLD.params, 1, 1) <> '{' OR substr(NEW.params, 1, 1) <> char(1)
  OR (NEW.seq, NEW.id, NEW.at, NEW.principal, NEW.tenant, NEW.operation, NEW.code, NEW.address, NEW.request, NEW.missing)
  <> (OLD.seq, OLD.id, OLD.at, OLD.principal, OLD.tenant, OLD.operation, OLD.code, OLD.address, OLD.request, OLD.missing)
BEGIN
    SELECT raise(ABORT, 'a refusal on record never changes');
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER refusals_stay_so;
-- +goose StatementBegin
CREATE TRIGGER refusals_stay_so BEFORE UPDATE ON refusals
BEGIN
    SELECT raise(ABORT, 'a refusal on record never changes');
END;
-- +goose StatementEnd
DROP TABLE sealing;
