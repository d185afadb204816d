package planner

import (
	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/pricing"
	"github.com/noised/noised/analytics/ranges"
	"github.com/noised/noised/analytics/sources"
	"github.com/noised/noised/privacy"
)

// Limits on the size of a query, so that nothing that is planned is expensive
// to finish. They depend on no data.
const (
	// MaxDraws is the largest number of draws, and of different aggregates.
	MaxDraws = 64
	// MaxGroups is the largest number of combinations of declared key values.
	MaxGroups = 1_000_000
	// maxCells bounds declared groups times noised numbers and columns.
	maxCells = 8 * MaxGroups
	// maxWidth bounds the noised numbers and columns of one group. It is all that
	// bounds a result with secret keys, whose number of groups is a secret too.
	maxWidth = 12_000
	// maxViewNodes bounds what is computed per group after the noise.
	maxViewNodes = 4000
)

// Dataset is what a query runs on.
type Dataset struct {
	Contract *contract.Contract // the version in force
	Members  []string           // the active tenants, sorted
}

// Request holds the caller's parameters. Bounds may only be narrower than the
// contract's.
type Request struct {
	Loss                privacy.Loss // parts that are zero are the contract's defaults
	MaxPartitions       *int64
	MaxRowsPerPartition *int64
	Columns             map[string][2]float64 // narrower bounds of measures
	Tenants             []string              // nil means all
}

// Plan permits, bounds and prices a query. Its errors have
// CodeQueryNotPermitted, CodeUnknownColumn or CodePrivacyParameters; they are
// the same whatever the rows are.
func Plan(sel *plan.Select, ds Dataset, req Request) (*pricing.Priced, error) {
	p := &planning{sel: sel, ds: ds, req: req, c: ds.Contract}
	p.ranges = ranges.New(known{p})
	for _, rule := range []func() error{
		p.sources,
		p.parameters,
		p.tenants,
		p.filter,
		p.periods,
		p.keys,
		p.outputs,
		p.having,
		p.orderBy,
		p.draws,
		p.textsFit,
		p.selection,
		p.canonicalOrder,
		p.size,
		p.strategy,
		p.price,
	} {
		if err := rule(); err != nil {
			return nil, err
		}
	}
	return &p.priced, nil
}

// planning is the state that the rules share.
type planning struct {
	sel *plan.Select
	ds  Dataset
	req Request
	c   *contract.Contract

	out    plan.Bound
	priced pricing.Priced
	loss   privacy.Loss

	from      *sources.From
	aliases   map[string]int // output by lower-case alias
	wanted    []wanted       // aggregates, in the order of plan.Bound.Aggs
	wantedAt  map[string]int // their indexes by what they are
	ranges    *ranges.Ranges // of expressions over rows
	viewNodes int
	keyOf     map[string]string // plan.Key.Column by the print of what GROUP BY says
	keyAt     map[plan.Expr]int // index of the key that an expression of the text is; −1: none
	madeTexts int               // see maxTexts
}
