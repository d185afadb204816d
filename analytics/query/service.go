package query

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/quota"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/analytics/residency"
	"github.com/noised/noised/analytics/result"
	"github.com/noised/noised/analytics/template"
	"github.com/noised/noised/analytics/turns"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/containment"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/keyring"
	"github.com/noised/noised/privacy/ledger"
)

// Parser turns SQL text into a plan. It refuses with CodeSQLSyntax or
// CodeQueryNotPermitted and runs nothing.
type Parser interface {
	Parse(ctx context.Context, sql string) (*plan.Select, error)
	ParseTemplate(ctx context.Context, sql string, arguments map[string]plan.Expr) (*plan.Select, error)
}

// Engine computes the exact, bounded partials of a plan. It must read only the
// segments it is given.
type Engine interface {
	Run(ctx context.Context, in engine.Input) (*engine.Partials, error)
	// Permits refuses plans that are too expensive whatever the private rows
	// are. It reads public tables alone, so that it may be asked before a charge.
	Permits(ctx context.Context, in engine.Input) error
}

// Options holds what a Service is wired from. Everything but
// Containment, Keys and the limits is required.
type Options struct {
	DB       *controldb.DB
	Catalog  *catalog.Catalog
	Ledger   *ledger.Ledger
	Store    *release.Store
	Parser   Parser
	Engine   Engine
	Policies Policies
	// Containment says what is suspended. When nil it is one of the store's own,
	// which hears of what others suspend when it is next asked.
	Containment *containment.Service
	Keys        *keyring.Ring // what requests of charges are sealed under; nil: they are plain
	DataDir     string        // segment paths are relative to it
	Log         *slog.Logger
	Now         func() time.Time

	Timeout       time.Duration     // of one run; 30 s when 0
	Features      Features          // that are on; all when nil
	Quotas        Quotas            // what tenants may use; everything when nil
	Regions       residency.Regions // whose tenants' rows may be read here; all for the zero value
	MaxConcurrent int               // runs at once; 4 when 0
	MaxGroups     int64             // declared combinations of one query; 1e6 when 0
	ResponseSlot  time.Duration     // releases are stored on a grid of such slots, see pace; at once when 0
}

// Confidence is that of every interval, unless an accuracy names another.
const Confidence = 0.95

// Service answers questions. It is safe for concurrent use; several processes
// may run one on the same control store.
type Service struct {
	Options
	owner    string // identifies this process in charge leases
	runs     *turns.Queue
	asking   quota.Gauge // queries under way, by tenant
	flights  singleflight.Group
	inFlight sync.WaitGroup
}

// New returns a Service.
func New(o Options) *Service {
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if o.MaxConcurrent == 0 {
		o.MaxConcurrent = 4
	}
	if o.MaxGroups == 0 {
		o.MaxGroups = 1e6
	}
	if o.Containment == nil {
		o.Containment = containment.New(o.DB, o.Now)
	}
	return &Service{Options: o, owner: privacy.NewID("run"), runs: turns.New(o.MaxConcurrent)}
}

// Close waits until every charge that this process is redeeming has its
// release, or ctx ends. A charge that is cut off stays redeemable.
func (s *Service) Close(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		s.inFlight.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Request is one question.
type Request struct {
	SQL                 string                     `json:"sql"`
	MaxPartitions       *int64                     `json:"max_partitions,omitempty"`         // at most the contract's
	MaxRowsPerPartition *int64                     `json:"max_rows_per_partition,omitempty"` // at most the contract's
	Columns             map[string][2]float64      `json:"columns,omitempty"`                // narrower bounds of measures
	Epsilon             *float64                   `json:"epsilon,omitempty"`                // the contract's default when nil
	Delta               *float64                   `json:"delta,omitempty"`                  // the contract's default when nil
	Tenants             []string                   `json:"tenants,omitempty"`                // every active member when nil
	Accuracy            *Accuracy                  `json:"accuracy,omitempty"`               // instead of Epsilon: the least charge that is this accurate
	OnExhausted         string                     `json:"on_exhausted,omitempty"`           // OnExhaustedFail when empty
	OnElsewhere         string                     `json:"on_elsewhere,omitempty"`           // OnElsewhereFail when empty
	Intervals           bool                       `json:"-"`                                // of the answer's form; never changes the release
	IdempotencyKey      string                     `json:"-"`
	Purpose             string                     `json:"purpose,omitempty"`    // for policies and the record; never changes the release
	Template            string                     `json:"template,omitempty"`   // dataset/name, in place of SQL
	Parameters          map[string]json.RawMessage `json:"parameters,omitempty"` // of the template
	Resolved            *template.Template         `json:"resolved,omitempty"`   // what Template stood for when it was asked; set by the service
	Operation           string                     `json:"-"`                    // as policies know it; of the method when empty
}

// operation returns what policies know the request as.
func (r Request) operation() string { return cmp.Or(r.Operation, OperationQuery) }

// Accuracy is the widest interval that the caller accepts of every noised
// column: exactly one of Relative and Absolute, as the larger distance of the
// interval's ends from the value.
//
// Relative is measured by the size that the column of a group of ExpectedN rows
// can have (finish.Expectation.Size), or by the median magnitude of the column of
// that name in Release. ExpectedN is needed besides where the interval itself
// depends on the number of rows: for all aggregates but counts and sums.
type Accuracy struct {
	Relative   *float64 `json:"relative,omitempty"`   // needs ExpectedN or Release
	Absolute   *float64 `json:"absolute,omitempty"`   // in the unit of every noised column
	Confidence float64  `json:"confidence"`           // of the interval, between 0.5 and 0.9999; Confidence when 0
	ExpectedN  *int64   `json:"expected_n,omitempty"` // rows of a group, as the caller expects them
	Release    string   `json:"release,omitempty"`    // an earlier release of the caller's that tells the size of the values
}

// What to do when a tenant's budget does not suffice.
const (
	OnExhaustedFail    = "fail"    // refuse the query
	OnExhaustedExclude = "exclude" // ask the other tenants
)

// What to do when a tenant belongs to a region that the server does not serve.
const (
	OnElsewhereFail    = "fail"    // refuse the query
	OnElsewhereExclude = "exclude" // ask the other tenants
)

// Answer is a release as one view of it.
type Answer struct {
	Release release.Release
	Table   *result.Table
	Cached  bool // nothing was charged: the release was there already
}
