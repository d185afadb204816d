package query

import (
	"context"
	"database/sql"

	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/analytics/showing"
	"github.com/noised/noised/privacy"
)

// serve shows a stored core to a principal as the view that it asks for now.
// Nothing more is lost by the tenants; but a principal that sees a release for
// the first time pays from the accounts that cap what it learns.
func (s *Service) serve(ctx context.Context, p privacy.Principal, c release.Core, prep *question.Prepared) (*showing.Answer, error) {
	if err := s.questions.MayShare(ctx, p, c, prep); err != nil {
		return nil, err
	}
	out, err := showing.Stored(c, prep)
	if err != nil {
		return nil, err
	}
	out.Cached = true
	table, err := out.Table.Encode()
	if err != nil {
		return nil, privacy.Internal(err, "encode result")
	}
	join, err := s.ledgerRequest(ctx, p, prep, "")
	if err != nil {
		return nil, err
	}
	join.Key = c.Key // on the generations that were current when it was paid
	err = s.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := s.containment.CheckIn(ctx, tx, prep.Touches()); err != nil {
			return err
		}
		first, err := s.store.Serve(ctx, tx, release.View{
			Release: c.ID, Principal: p.ID, SQL: prep.Request.SQL, Result: table, Cached: true,
			Purpose: prep.Request.Purpose, Policy: prep.Policy,
		})
		if err != nil || !first {
			return err
		}
		return s.ledger.Join(ctx, tx, join)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
