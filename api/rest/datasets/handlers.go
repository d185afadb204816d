package datasets

import (
	"context"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/consent"
	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/template"
	"github.com/noised/noised/privacy"
)

// Catalog names datasets and members.
type Catalog interface {
	Datasets(ctx context.Context) ([]catalog.Dataset, error)
	Dataset(ctx context.Context, name string) (catalog.Dataset, error)
	Contract(ctx context.Context, dataset string, version int) (*contract.Contract, error)
	Leave(ctx context.Context, dataset, tenant string, by privacy.Principal) error
}

// Consent makes changes to contracts, memberships and templates, or returns the
// proposal that waits for those who must agree.
type Consent interface {
	PutDataset(ctx context.Context, c *contract.Contract, doc []byte, by privacy.Principal) (*consent.Proposal, error)
	Accept(ctx context.Context, dataset, tenant string, version int, by privacy.Principal) (*consent.Proposal, error)
	PutTemplate(ctx context.Context, dataset, name string, t *template.Template, by privacy.Principal) (*consent.Proposal, error)
	Template(ctx context.Context, dataset, name string) (template.Version, error)
	Templates(ctx context.Context, dataset string) ([]template.Version, error)
}

// Queries tries whether a template can be asked.
type Queries interface {
	Try(ctx context.Context, dataset string, t template.Template) error
}

// Deleter deletes datasets, for good.
type Deleter interface {
	Delete(ctx context.Context, dataset string, by privacy.Principal) error
}

// Handlers answers the operations of this package.
type Handlers struct {
	Catalog Catalog
	Consent Consent
	Queries Queries
	Deleter Deleter
}
