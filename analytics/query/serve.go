package query

import (
	"context"
	"database/sql"

	"github.com/noised/noised/analytics/finish"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/analytics/result"
	"github.com/noised/noised/privacy"
)

// view shows a stored core as the request asked for it.
func (s *Service) view(c release.Core, prep *prepared) (*Answer, error) {
	if prep.shown != nil && prep.shown.Release.ID == c.ID {
		return prep.shown, nil
	}
	core, err := finish.DecodeCore(c.Noised, prep.priced.Plan)
	if err != nil {
		return nil, privacy.Internal(err, "stored core of "+c.ID)
	}
	return viewOf(c.Release, prep, core)
}

// viewOf shows a core as the request asked for it. It is post-processing of
// what is stored.
func viewOf(r release.Release, prep *prepared, core *finish.Core) (*Answer, error) {
	r.SQL, r.Purpose, r.Policy = prep.request.SQL, prep.request.Purpose, prep.policy
	table, err := tableOf(r, prep, core)
	if err != nil {
		return nil, err
	}
	return &Answer{Release: r, Table: table}, nil
}

// serve shows a stored core to a principal as the view that it asks for now.
// Nothing more is lost by the tenants; but a principal that sees a release for
// the first time pays from the accounts that cap what it learns.
func (s *Service) serve(ctx context.Context, p privacy.Principal, c release.Core, prep *prepared) (*Answer, error) {
	if err := s.mayShare(ctx, p, c, prep); err != nil {
		return nil, err
	}
	answer, err := s.view(c, prep)
	if err != nil {
		return nil, err
	}
	answer.Cached = true
	table, err := answer.Table.Encode()
	if err != nil {
		return nil, privacy.Internal(err, "encode result")
	}
	join, err := s.ledgerRequest(ctx, p, prep, "")
	if err != nil {
		return nil, err
	}
	join.Key = c.Key // on the generations that were current when it was paid
	err = s.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := s.Containment.CheckIn(ctx, tx, prep.touches()); err != nil {
			return err
		}
		first, err := s.Store.Serve(ctx, tx, release.View{
			Release: c.ID, Principal: p.ID, SQL: prep.request.SQL, Result: table, Cached: true,
			Purpose: prep.request.Purpose, Policy: prep.policy,
		})
		if err != nil || !first {
			return err
		}
		return s.Ledger.Join(ctx, tx, join)
	})
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// fromReading returns a release as its reader first saw it.
func fromReading(r release.Reading) (*Answer, error) {
	table, err := result.Decode(r.Result)
	if err != nil {
		return nil, privacy.Internal(err, "stored result of "+r.ID)
	}
	return &Answer{Release: r.Release, Table: table}, nil
}
