package query

import (
	"context"
	"math"
	"strconv"
	"time"

	"github.com/noised/noised/analytics/finish"
	"github.com/noised/noised/analytics/pricing"
	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/analytics/wish"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger"
)

// Explanation says what a query would cost and how accurate it would be. It is
// computed from the contract, the request, budgets and public tables; no private
// row is read.
type Explanation struct {
	Permitted          bool                `json:"permitted"`
	Loss               privacy.Loss        `json:"loss"`               // that will be charged
	Accuracy           *wish.Accuracy      `json:"accuracy,omitempty"` // that it was found for
	Charges            []ExplainedCharge   `json:"charges"`
	Columns            []finish.Accuracy   `json:"columns"`
	PartitionSelection *ExplainedSelection `json:"partition_selection,omitempty"`
	Strategy           string              `json:"strategy"` // plan.Strategy.String of how a run would be bounded now
}

// ExplainedCharge is the price at one account.
type ExplainedCharge struct {
	Account        string    `json:"account"`
	Rho            float64   `json:"rho"`
	Epsilon        float64   `json:"epsilon"` // as asked for
	Delta          float64   `json:"delta"`   // as asked for
	RemainingAfter Remaining `json:"remaining_after"`
	QueriesLeft    int64     `json:"queries_left"` // of this price, that the account could pay after this one
}

// Remaining is what an account has left.
type Remaining struct {
	Epsilon float64 `json:"epsilon"`
	Delta   float64 `json:"delta"`
	Rho     float64 `json:"rho"`
}

// ExplainedSelection says how likely secret keys are to appear.
type ExplainedSelection struct {
	Threshold       int64              `json:"threshold"`        // on the noisy count
	KeepProbability map[string]float64 `json:"keep_probability"` // by exact count, from almost never to almost surely
}

// Explain prices a request without charging for it. A refusal comes as the
// error that Query would give, budget-exhausted included.
func (s *Service) Explain(ctx context.Context, p privacy.Principal, r question.Request) (*Explanation, error) {
	if err := mayQuery(p); err != nil {
		return nil, err
	}
	ctx, leave, err := s.enter(ctx, p)
	if err != nil {
		return nil, err
	}
	defer leave()
	if r.Operation == "" {
		r.Operation = question.OperationExplain
	}
	prep, err := s.questions.Prepare(ctx, p, r)
	if err != nil {
		return nil, err
	}
	asked, err := r.Fingerprint()
	if err != nil {
		return nil, err
	}
	req, err := s.ledgerRequest(ctx, p, prep, asked)
	if err != nil {
		return nil, err
	}
	previews, err := s.ledger.Preview(ctx, req)
	if err != nil {
		return nil, err
	}
	x := &Explanation{Permitted: true, Loss: prep.Priced.Loss, Accuracy: r.Accuracy, Strategy: prep.Inputs.Plan.Strategy.String(), Columns: finish.Accuracies(prep.View())}
	x.Charges, err = explainCharges(prep.Priced, previews, r.OnExhausted == question.OnExhaustedExclude)
	if err != nil {
		return nil, err
	}
	if sel := prep.Priced.Selection; sel != nil {
		x.PartitionSelection = explainSelection(sel)
	}
	return x, nil
}

// explainCharges lists the price per account. An exhausted account is a refusal,
// or is left out where the caller would have its tenant excluded.
func explainCharges(p *pricing.Priced, previews []ledger.Preview, exclude bool) ([]ExplainedCharge, error) {
	var out []ExplainedCharge
	var why ledger.Exhausted
	reopening := true
	for _, v := range previews {
		if v.Exhausted {
			if _, ofTenant := v.Account.Tenant(); exclude && ofTenant {
				continue
			}
			why.Accounts = append(why.Accounts, v.Account)
			reopening = reopening && !v.ReopensAt.IsZero()
			if v.ReopensAt.After(why.ReopensAt) {
				why.ReopensAt = v.ReopensAt
			}
			continue
		}
		left := v.RemainingLossAfter
		out = append(out, ExplainedCharge{
			Account: v.Account.String(), Rho: p.Cost.Rho(), Epsilon: p.Loss.Epsilon, Delta: p.Loss.Delta,
			RemainingAfter: Remaining{Epsilon: left.Epsilon, Delta: left.Delta, Rho: v.RemainingAfter.Rho()},
			QueriesLeft:    v.QueriesLeft,
		})
	}
	if len(why.Accounts) == 0 {
		return out, nil
	}
	if !reopening {
		why.ReopensAt = time.Time{}
	}
	return nil, tooDear(ledger.Refusal(why), p.Loss)
}

// tooDear adds to a refusal for lack of budget what was asked of the budgets. A
// caller who asked for an accuracy does not know it, and it depends on the
// contract and the request alone.
func tooDear(err error, loss privacy.Loss) error {
	e := privacy.AsError(err)
	if e.Code != privacy.CodeBudgetExhausted {
		return err
	}
	return e.Suggest("this query costs epsilon %.4g, delta %.4g: ask for less, or have a budget raised", loss.Epsilon, loss.Delta)
}

// explainSelection tabulates the chance to appear around the threshold.
func explainSelection(sel *pricing.Selection) *ExplainedSelection {
	t := sel.Threshold
	x := &ExplainedSelection{Threshold: t.Value(), KeepProbability: map[string]float64{}}
	for _, share := range []float64{0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2} {
		n := max(1, int64(math.Round(share*float64(t.Value()))))
		x.KeepProbability[strconv.FormatInt(n, 10)] = t.KeepProbability(n)
	}
	return x
}
