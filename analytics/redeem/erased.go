package redeem

import (
	"context"

	"github.com/noised/noised/analytics/finish"
	"github.com/noised/noised/analytics/inputs"
	"github.com/noised/noised/analytics/question"
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
func (r *Redeemer) computed(ctx context.Context, charge ledger.Charge, prep *question.Prepared, giveBack func()) (*finish.Core, *question.Prepared, error) {
	defer giveBack()
	var failed error
	for range maxErasures {
		gone, err := r.erased(ctx, prep)
		if err != nil {
			return nil, prep, err
		}
		if !gone && failed != nil {
			break
		}
		if gone {
			if prep, err = r.current(ctx, charge, prep); err != nil {
				return nil, prep, err
			}
		}
		core, err := r.compute(ctx, prep)
		if err == nil {
			return core, prep, nil
		}
		failed = err
	}
	return nil, prep, failed
}

// erased reports whether people were erased from what a question is to be run on.
func (r *Redeemer) erased(ctx context.Context, prep *question.Prepared) (bool, error) {
	now, err := r.Catalog.CurrentUnder(ctx, prep.Dataset.Contract, inputs.Owners(prep.Priced.Plan))
	if err != nil {
		return false, err
	}
	var replaced []string
	for tenant, g := range prep.Inputs.Generations {
		if g.ID != "" && now[tenant].ID != g.ID {
			replaced = append(replaced, g.ID)
		}
	}
	if replaced == nil {
		return false, nil
	}
	return r.Catalog.Erased(ctx, replaced)
}

// current is a question prepared on the generations that are current now, for the same
// caller.
func (r *Redeemer) current(ctx context.Context, charge ledger.Charge, before *question.Prepared) (*question.Prepared, error) {
	now, err := r.Again(ctx, charge)
	if err != nil {
		return before, err
	}
	now.Asker = before.Asker
	return now, nil
}
