-- +goose Up
-- Which control store this is, so that what is kept about it elsewhere is not
-- taken for something about another one. A copy has the same identity.
CREATE TABLE store_identity (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id  TEXT    NOT NULL CHECK (length(id) = 32)
) STRICT;
INSERT INTO store_identity (one, id) VALUES (1, lower(hex(randomblob(16))));

-- +goose StatementBegin
CREATE TRIGGER store_identity_final BEFORE UPDATE ON store_identity
BEGIN
    SELECT RAISE(ABORT, 'a control store keeps its identity');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER store_identity_kept BEFORE DELETE ON store_identity
BEGIN
    SELECT RAISE(ABORT, 'a control store keeps its identity');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE store_identity;
