package redeem

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/noised/noised/analytics/finish"
	"github.com/noised/noised/analytics/lineage"
	"github.com/noised/noised/analytics/noising"
	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/analytics/showing"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger"
)

// compute reads private rows. It is called for charges only, and its exact partials
// go no further than noising.
func (r *Redeemer) compute(ctx context.Context, prep *question.Prepared) (*finish.Core, error) {
	in := prep.Inputs.Input()
	secrets, err := r.Catalog.SecretsFor(ctx, prep.Dataset.Name, "", prep.Priced.Plan.Scope)
	if err != nil {
		return nil, err
	}
	in.Salt = secrets.Salt
	partials, err := r.Engine.Run(ctx, in)
	if err != nil {
		return nil, err
	}
	return noising.Noise(prep.Priced, partials)
}

// store makes the release durable in the transaction that redeems its charge.
// Should another process have been faster, its release is the one.
func (r *Redeemer) store(ctx context.Context, charge ledger.Charge, prep *question.Prepared, core *finish.Core) (Redeemed, error) {
	c := release.Core{Key: charge.Key, Charge: charge.ID, Release: release.Release{
		ID: privacy.NewID("rel"), Dataset: prep.Dataset.Name, ContractVersion: prep.Priced.Plan.Version,
		Epsilon: charge.Loss.Epsilon, Delta: charge.Loss.Delta, CreatedAt: r.Now().UTC().Truncate(time.Microsecond),
		Purpose: prep.Request.Purpose, Policy: prep.Policy,
	}}
	c.Noised = core.Encode()
	shown, err := showing.Of(c.Release, prep, core)
	if err != nil {
		return Redeemed{}, err
	}
	table, err := shown.Table.Encode()
	if err != nil {
		return Redeemed{}, privacy.Internal(err, "encode result")
	}
	err = r.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := r.Containment.CheckIn(ctx, tx, prep.Touches()); err != nil {
			return err
		}
		if err := r.Ledger.Redeem(ctx, tx, charge.ID, c.ID); err != nil {
			return err
		}
		if err := r.Store.Put(ctx, tx, c); err != nil {
			return err
		}
		if err := lineage.Note(ctx, tx, c.ID, prep.Inputs.Reads()); err != nil {
			return err
		}
		_, err := r.Store.Serve(ctx, tx, release.View{
			Release: c.ID, Principal: charge.Principal, SQL: prep.Request.SQL, Result: table,
			Purpose: prep.Request.Purpose, Policy: prep.Policy,
		})
		return err
	})
	if privacy.CodeOf(err) == privacy.CodeConflict {
		stored, ok, lookErr := r.Store.ByKey(ctx, charge.Key)
		if lookErr != nil || !ok {
			return Redeemed{}, errors.Join(err, lookErr)
		}
		return Redeemed{Core: stored}, nil
	}
	if err != nil {
		return Redeemed{}, err
	}
	return Redeemed{Core: c, Shown: shown}, nil
}
