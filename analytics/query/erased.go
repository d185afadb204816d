package query

import (
	"context"

	"github.com/noised/noised/analytics/finish"
	"github.com/noised/noised/privacy/ledger"
)

// maxErasures is how often one run begins again since its generations were erased under
// it. Erasures of one tenant take turns and take seconds.
const maxErasures = 4

// computed reads private rows for a charge, on the generations that it was prepared on;
// or, where people were erased from one of these since, on those that are current now: a
// charge that waited must not read what was erased, and its files are gone. It returns the
// question as it was run.
//
// A charge pays for one release of its core, whatever the generation. So nothing is
// charged anew, and the release is stored under the key of the charge, where whoever
// paid, or asked for the same before the erasure, finds it. Whoever asks after the
// erasure asks of the new generation, under another key.
//
// A run that has begun when people are erased ends on the files that it has open; one
// that finds a file gone begins again. Neither depends on a row: an erasure takes every
// file of every table of its tenant, whoever is in them.
func (s *Service) computed(ctx context.Context, charge ledger.Charge, prep *prepared, giveBack func()) (*finish.Core, *prepared, error) {
	defer giveBack()
	var failed error
	for range maxErasures {
		gone, err := s.erased(ctx, prep)
		if err != nil {
			return nil, prep, err
		}
		if !gone && failed != nil {
			break
		}
		if gone {
			if prep, err = s.current(ctx, charge, prep); err != nil {
				return nil, prep, err
			}
		}
		core, err := s.compute(ctx, prep)
		if err == nil {
			return core, prep, nil
		}
		failed = err
	}
	return nil, prep, failed
}

// erased reports whether people were erased from what a question is to be run on.
func (s *Service) erased(ctx context.Context, prep *prepared) (bool, error) {
	now, err := s.Catalog.CurrentUnder(ctx, prep.dataset.Contract, readFrom(prep.priced.Plan))
	if err != nil {
		return false, err
	}
	var replaced []string
	for tenant, g := range prep.generations {
		if g.ID != "" && now[tenant].ID != g.ID {
			replaced = append(replaced, g.ID)
		}
	}
	if replaced == nil {
		return false, nil
	}
	return s.Catalog.Erased(ctx, replaced)
}

// current is a question prepared on the generations that are current now, for the same
// caller.
func (s *Service) current(ctx context.Context, charge ledger.Charge, before *prepared) (*prepared, error) {
	now, err := s.again(ctx, charge)
	if err != nil {
		return before, err
	}
	now.asker = before.asker
	return now, nil
}
