-- +goose Up
-- What accounts were debited by a charge: one row for all of them, where there
-- was one for each. A charge of a hundred tenants wrote to a hundred places.
-- A charge has a second row only where accounts had different times of their own
-- (the clock was set back), or where somebody joined it.
CREATE TABLE charge_debits (
    charge      INTEGER NOT NULL REFERENCES charges (seq),
    part        INTEGER NOT NULL CHECK (part >= 0),
    seen        INTEGER NOT NULL, -- the accounts' own time
    mu2         INTEGER NOT NULL CHECK (mu2 >= 0), -- of each account
    delta_units INTEGER NOT NULL CHECK (delta_units >= 0),
    accounts    TEXT    NOT NULL CHECK (accounts GLOB ',[1-9]*,'), -- ids between commas: ',3,17,'
    PRIMARY KEY (charge, part)
) STRICT, WITHOUT ROWID;

CREATE INDEX charge_debits_seen ON charge_debits (seen);

INSERT INTO charge_debits (charge, part, seen, mu2, delta_units, accounts)
    SELECT charge, row_number() OVER (PARTITION BY charge ORDER BY seen, mu2, delta_units) - 1, seen, mu2, delta_units,
           ',' || group_concat(account, ',' ORDER BY account) || ','
    FROM charge_entries GROUP BY charge, seen, mu2, delta_units;

DROP TABLE charge_entries;

-- +goose StatementBegin
CREATE TRIGGER charge_debits_immutable BEFORE UPDATE ON charge_debits
BEGIN
    SELECT RAISE(ABORT, 'debits are append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER charge_debits_kept BEFORE DELETE ON charge_debits
BEGIN
    SELECT RAISE(ABORT, 'debits are append-only');
END;
-- +goose StatementEnd

-- +goose Down
CREATE TABLE charge_entries (
    account     INTEGER NOT NULL REFERENCES accounts (id),
    charge      INTEGER NOT NULL REFERENCES charges (seq),
    mu2         INTEGER NOT NULL CHECK (mu2 >= 0),
    delta_units INTEGER NOT NULL CHECK (delta_units >= 0),
    seen        INTEGER NOT NULL,
    PRIMARY KEY (account, charge)
) STRICT, WITHOUT ROWID;
INSERT INTO charge_entries (account, charge, mu2, delta_units, seen)
    SELECT j.value, d.charge, d.mu2, d.delta_units, d.seen
    FROM charge_debits d, json_each('[' || trim(d.accounts, ',') || ']') j;
DROP TABLE charge_debits;
