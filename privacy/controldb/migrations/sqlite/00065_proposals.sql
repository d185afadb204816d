-- +goose Up
-- Changes that wait, or waited, for approvals. Times are microseconds since 1970,
-- UTC. What is proposed never changes, and what is decided stays so.
CREATE TABLE proposals (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT, -- order; internal, since it counts everyone's
    id         TEXT    NOT NULL UNIQUE,
    kind       TEXT    NOT NULL,
    dataset    TEXT    NOT NULL, -- '' for a tenant's own budget
    tenant     TEXT    NOT NULL, -- '' for what concerns a whole dataset
    document   BLOB    NOT NULL, -- what would be put
    effect     TEXT    NOT NULL, -- as whoever signs was shown it, JSON
    by         TEXT    NOT NULL,
    by_role    TEXT    NOT NULL,
    by_tenant  TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    state      TEXT    NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'rejected', 'withdrawn', 'expired', 'applied')),
    decided_at INTEGER,
    decided_by TEXT    NOT NULL DEFAULT '' -- '' for a clock
) STRICT;

CREATE INDEX proposals_pending ON proposals (expires_at) WHERE state = 'pending';
CREATE INDEX proposals_by_dataset ON proposals (dataset, seq);
CREATE INDEX proposals_by_tenant ON proposals (tenant, seq);

-- Who agreed. A principal signs once, whichever of its keys it uses.
CREATE TABLE proposal_signatures (
    proposal  TEXT    NOT NULL REFERENCES proposals (id),
    principal TEXT    NOT NULL,
    tenant    TEXT    NOT NULL,
    role      TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (proposal, principal)
) STRICT, WITHOUT ROWID;

-- +goose StatementBegin
CREATE TRIGGER proposals_are_final BEFORE UPDATE ON proposals
WHEN OLD.state <> 'pending' OR NEW.id <> OLD.id OR NEW.kind <> OLD.kind OR NEW.dataset <> OLD.dataset OR NEW.tenant <> OLD.tenant
  OR NEW.document <> OLD.document OR NEW.effect <> OLD.effect OR NEW.by <> OLD.by OR NEW.by_role <> OLD.by_role
  OR NEW.by_tenant <> OLD.by_tenant OR NEW.created_at <> OLD.created_at OR NEW.expires_at <> OLD.expires_at
BEGIN
    SELECT raise(ABORT, 'what is proposed never changes, and what is decided stays so');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER proposals_stay BEFORE DELETE ON proposals
BEGIN
    SELECT raise(ABORT, 'a proposal is never deleted');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER proposal_signatures_are_final BEFORE UPDATE ON proposal_signatures
BEGIN
    SELECT raise(ABORT, 'a signature never changes');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER proposal_signatures_stay BEFORE DELETE ON proposal_signatures
BEGIN
    SELECT raise(ABORT, 'a signature is never deleted');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE proposal_signatures;
DROP TABLE proposals;
