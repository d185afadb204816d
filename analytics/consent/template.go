package consent

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/noised/noised/analytics/consent/effect"
	"github.com/noised/noised/analytics/template"
	"github.com/noised/noised/privacy"
)

// PutTemplate lets a query be asked by name, or withdraws it where t is nil, or
// returns the proposal that waits for the members. That it can be asked at all is
// for the caller to have tried.
func (s *Service) PutTemplate(ctx context.Context, dataset, name string, t *template.Template, by privacy.Principal) (*Proposal, error) {
	return s.submit(ctx, &templateChange{s, dataset, name, t}, by)
}

// templateChange puts a version of a template.
type templateChange struct {
	s             *Service
	dataset, name string
	template      *template.Template // nil withdraws it
}

// templateDocument is how a proposal keeps it.
type templateDocument struct {
	Name     string             `json:"name"`
	Template *template.Template `json:"template,omitempty"`
}

func (c *templateChange) about() (Kind, string, string) { return KindTemplate, c.dataset, "" }

func (c *templateChange) document() ([]byte, error) {
	return json.Marshal(templateDocument{c.name, c.template})
}

func (c *templateChange) effect(ctx context.Context, tx *sql.Tx) ([]effect.Change, error) {
	a, err := c.s.catalog.AgreedIn(ctx, tx, c.dataset)
	if err != nil {
		return nil, err
	}
	before, err := template.Latest(ctx, tx, c.dataset, c.name)
	if err != nil && (c.template == nil || privacy.CodeOf(err) != privacy.CodeNotFound) {
		return nil, err
	}
	after := before.Number + 1
	if c.template == nil {
		after = 0
	}
	return effect.Template(c.name, before.Number, after, a.TemplatesOnly()), nil
}

func (c *templateChange) clause(ctx context.Context, tx *sql.Tx) (clause, error) {
	a, err := c.s.catalog.AgreedIn(ctx, tx, c.dataset)
	if err != nil {
		return clause{}, err
	}
	return ofMembers(a.Latest.Approvals, a.Members, privacy.RoleTenantAdmin), nil
}

func (c *templateChange) apply(ctx context.Context, tx *sql.Tx, by privacy.Principal) error {
	return template.PutIn(ctx, tx, c.dataset, c.name, c.template, by, c.s.now())
}

// Template returns the version of a template that is asked.
func (s *Service) Template(ctx context.Context, dataset, name string) (template.Version, error) {
	return template.Latest(ctx, s.db, dataset, name)
}

// Templates returns those of a dataset that may be asked, by name.
func (s *Service) Templates(ctx context.Context, dataset string) ([]template.Version, error) {
	return template.List(ctx, s.db, dataset)
}
