// Package question takes a request from its text to a question that is permitted and
// priced, with all that it would read found: templates by name, the parser, the
// planner, what is switched off, whose rows may be read here, the policies, and the
// generations. What it refuses follows from the contract, the request, names and
// generation ids, never from rows, and nothing has been charged by then.
package question

import (
	"context"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/finish"
	"github.com/noised/noised/analytics/inputs"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/pricing"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/analytics/residency"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/containment"
	"github.com/noised/noised/privacy/controldb"
)

// Parser turns SQL text into a plan. It refuses with CodeSQLSyntax or
// CodeQueryNotPermitted and runs nothing.
type Parser interface {
	Parse(ctx context.Context, sql string) (*plan.Select, error)
	ParseTemplate(ctx context.Context, sql string, arguments map[string]plan.Expr) (*plan.Select, error)
}

// Engine refuses plans that are too expensive whatever the private rows are. It
// reads public tables alone, so that it may be asked before a charge.
type Engine interface {
	Permits(ctx context.Context, in engine.Input) error
}

// Preparer prepares questions. Everything but Features and Regions is required. It is
// safe for concurrent use.
type Preparer struct {
	DB          *controldb.DB
	Catalog     *catalog.Catalog
	Store       *release.Store // of the releases that a wanted accuracy may name
	Parser      Parser
	Engine      Engine
	Policies    Policies
	Containment *containment.Service
	Features    Features          // that are on; all when nil
	Regions     residency.Regions // whose tenants' rows may be read here; all for the zero value
	DataDir     string            // segment paths are relative to it
	MaxGroups   int64             // declared combinations of one query
	// Key returns the key under which the release of a digest is charged and stored.
	Key func(ctx context.Context, digest string) (string, error)
}

// Prepared is a question that is permitted and priced. Nothing private has
// been read for it.
type Prepared struct {
	Request Request
	Dataset catalog.Dataset
	Priced  *pricing.Priced
	Inputs  inputs.Inputs
	Core    string            // digest of what is computed and with which noise
	Key     string            // Core on these generations: the identity of the release
	Policy  int64             // the version of the policies that permitted it
	Asker   privacy.Principal // whom it is answered to: who asks now, or who paid for it
}

// View is how the question shows a core.
func (p *Prepared) View() finish.View {
	return finish.View{Plan: p.Priced.Plan, Noise: p.Priced.Noise, Confidence: p.Request.Accuracy.Level()}
}

// Touches is what must not be suspended for the question to be answered.
func (p *Prepared) Touches() containment.Touches {
	return containment.Touches{Principal: p.Asker, Dataset: p.Dataset.Name, Tenants: p.Priced.Plan.Tenants}
}
