package budgets

import (
	"context"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/consent"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger"
)

// Ledger knows budgets and charges. Consent sets them.
type Ledger interface {
	Default(ctx context.Context, kind privacy.AccountKind, tenant string) (*privacy.Loss, error)
	State(ctx context.Context, account privacy.Account) (ledger.State, error)
	States(ctx context.Context, tenant string) ([]ledger.State, error)
	Periods(ctx context.Context, parent privacy.Account) ([]ledger.State, error)
	Charges(ctx context.Context, account privacy.Account, cursor string, limit int) ([]ledger.Entry, string, error)
}

// Catalog knows which datasets there are.
type Catalog interface {
	Dataset(ctx context.Context, name string) (catalog.Dataset, error)
}

// Consent sets budgets, or returns the proposal that waits for those who must agree.
type Consent interface {
	SetBudget(ctx context.Context, account privacy.Account, b consent.Budget, by privacy.Principal) (*consent.Proposal, error)
}

// Handlers answers the operations of this package.
type Handlers struct {
	Ledger  Ledger
	Catalog Catalog
	Consent Consent
}
