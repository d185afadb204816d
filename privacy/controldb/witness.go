package controldb

import (
	"context"
	"database/sql"

	"github.com/noised/noised/privacy"
)

// Witness records outside the store how far it has come, so that a store that
// went back can be told from one that did not.
type Witness interface {
	// Observe looks at a transaction that is about to be committed; its error
	// undoes the transaction. The function that it returns, if any, is called
	// when the commit is on disk, and InTx returns only after it. It may be
	// called for several transactions at a time, in any order.
	Observe(ctx context.Context, tx *sql.Tx) (committed func(ctx context.Context) error, err error)

	// Ready returns nil unless recording something that is committed has failed;
	// then it tries again, and returns the error if that fails too. It is called
	// before everything and must cost nothing.
	Ready(ctx context.Context) error
}

// SetWitness has every further commit witnessed. From then on, nothing is read
// and nothing written while something committed could not be recorded: whoever
// saw it could tell of what the witness does not know. Call it before the store
// is shared.
func (d *DB) SetWitness(w Witness) { d.witness = w }

// ReadOnly returns the connections that read, for the witness itself: they
// answer while it is not ready.
func (d *DB) ReadOnly() *sql.DB { return d.reader }

// Identity returns the random name that the store got when it was made. Copies
// share it.
func (d *DB) Identity(ctx context.Context) (string, error) {
	var id string
	if err := d.reader.QueryRowContext(ctx, `SELECT id FROM store_identity`).Scan(&id); err != nil {
		return "", privacy.Internal(err, "reading the control store's identity")
	}
	return id, nil
}

func (d *DB) ready(ctx context.Context) error {
	if d.witness == nil {
		return nil
	}
	return d.witness.Ready(ctx)
}

// observe asks the witness, if there is one, about a transaction.
func (d *DB) observe(ctx context.Context, tx *sql.Tx) (func(context.Context) error, error) {
	if d.witness == nil {
		return nil, nil
	}
	return d.witness.Observe(ctx, tx)
}
