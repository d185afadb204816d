package ledger

import (
	"context"
	"errors"
	"slices"

	"github.com/noised/noised/privacy"
)

// Charge debits every account that the request touches, or none, and is on
// disk when it returns. If a live charge for the request's key is there
// already, or one that its principal asked for under the same request key, even
// for other data, that one is returned as Existing and nothing is debited; an
// existing charge may be in any state.
//
// A refusal is CodeBudgetExhausted with an *[Exhausted] as cause. It depends on
// the accounts and the cost only, and leaves no trace.
//
// Charges that are asked for at the same time share a transaction; each is
// decided as if it were alone, after those that came before it. One whose context
// ends while it waits is not made. One that was taken up is finished, whoever
// hangs up.
func (l *Ledger) Charge(ctx context.Context, r Request) (Charge, error) {
	w, err := l.newWaiting(r)
	if err != nil {
		return Charge{}, err
	}
	if err := ctx.Err(); err != nil {
		return Charge{}, gaveUp(err)
	}
	if l.queue.Join(w) {
		go l.serve(context.WithoutCancel(ctx))
	}
	select {
	case <-w.done:
	case <-ctx.Done():
		if l.queue.Leave(w) {
			return Charge{}, gaveUp(ctx.Err())
		}
		<-w.done
	}
	return w.charge, w.err
}

// checked returns the request in its normal form, if it can be charged.
func (r Request) checked() (Request, error) {
	if r.Key == "" || r.Principal == "" || r.Dataset == "" || (len(r.Tenants) == 0 && !r.DatasetAccount) {
		return r, privacy.Internal(errors.New("a charge needs a key, a principal, a dataset and an account"), "charging")
	}
	if r.Cost.Mu2 < privacy.MinRunMu2 || r.Cost.Delta < 0 {
		return r, privacy.Errorf(privacy.CodePrivacyParameters, "the privacy cost of a query is at least %g in mu²",
			float64(privacy.MinRunMu2)/privacy.Mu2Unit)
	}
	return r.normal()
}

// normal returns the request with its tenants and periods sorted and without
// repeats. It refuses more accounts than one transaction should write.
func (r Request) normal() (Request, error) {
	r.Tenants, r.Periods = distinct(r.Tenants), distinct(r.Periods)
	if slices.Contains(r.Periods, "") {
		return r, privacy.Internal(errors.New("a period without a name"), "charging")
	}
	if n := r.requiredCount(); n > maxAccounts {
		return r, privacy.Errorf(privacy.CodeQueryNotPermitted, "the query reads %d budget periods of %d tenants: %d budgets, and one query may touch %d",
			len(r.Periods), len(r.Tenants), n, maxAccounts).Suggest("restrict the dates in WHERE, or the tenants")
	}
	r.of = cohortOf(r)
	return r, nil
}
