package query

import (
	"context"
	"log/slog"
	"time"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/kept"
	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/analytics/redeem"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/analytics/residency"
	"github.com/noised/noised/analytics/template"
	"github.com/noised/noised/analytics/turns"
	"github.com/noised/noised/privacy/containment"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/keyring"
	"github.com/noised/noised/privacy/ledger"
)

// Engine computes the exact, bounded partials of a plan, and says beforehand which
// plans are too expensive.
type Engine interface {
	question.Engine
	redeem.Engine
}

// Options holds what a Service is wired from. Everything but
// Containment, Keys and the limits is required.
type Options struct {
	DB       *controldb.DB
	Catalog  *catalog.Catalog
	Ledger   *ledger.Ledger
	Store    *release.Store
	Parser   question.Parser
	Engine   Engine
	Policies question.Policies
	// Containment says what is suspended. When nil it is one of the store's own,
	// which hears of what others suspend when it is next asked.
	Containment *containment.Service
	Keys        *keyring.Ring // what requests of charges are sealed under; nil: they are plain
	DataDir     string        // segment paths are relative to it
	Log         *slog.Logger
	Now         func() time.Time

	Timeout       time.Duration     // of the wait for one run, and of the run; 30 s when 0
	Features      question.Features // that are on; all when nil
	Quotas        Quotas            // what tenants may use; everything when nil
	Regions       residency.Regions // whose tenants' rows may be read here; all for the zero value
	MaxConcurrent int               // runs at once; 4 when 0
	MaxGroups     int64             // declared combinations of one query; 1e6 when 0
	ResponseSlot  time.Duration     // releases are stored on a grid of such slots; at once when 0
}

// Service answers questions. It is safe for concurrent use; several processes
// may run one on the same control store.
type Service struct {
	db          *controldb.DB
	ledger      *ledger.Ledger
	store       *release.Store
	containment *containment.Service
	quotas      Quotas
	questions   *question.Preparer
	book        *kept.Book
	redeemer    *redeem.Redeemer
	gate        turns.Gate // queries under way, by tenant
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
	book := &kept.Book{Ledger: o.Ledger, Keys: o.Keys}
	questions := &question.Preparer{
		DB: o.DB, Catalog: o.Catalog, Store: o.Store, Parser: o.Parser, Engine: o.Engine, Policies: o.Policies, Containment: o.Containment,
		Features: o.Features, Regions: o.Regions, DataDir: o.DataDir, MaxGroups: o.MaxGroups, Key: book.ReleaseKey,
	}
	return &Service{
		db: o.DB, ledger: o.Ledger, store: o.Store, containment: o.Containment, quotas: o.Quotas, questions: questions, book: book,
		redeemer: redeem.New(redeem.Options{
			DB: o.DB, Catalog: o.Catalog, Ledger: o.Ledger, Store: o.Store, Engine: o.Engine, Containment: o.Containment,
			Questions: questions, Book: book, Log: o.Log, Now: o.Now,
			Timeout: o.Timeout, MaxConcurrent: o.MaxConcurrent, Slot: o.ResponseSlot,
		}),
	}
}

// Try refuses a template that could not be asked; see [question.Preparer.Try].
func (s *Service) Try(ctx context.Context, dataset string, t template.Template) error {
	return s.questions.Try(ctx, dataset, t)
}

// Recover redeems the charges that a crash or a restart left pending; see
// [redeem.Redeemer.Recover].
func (s *Service) Recover(ctx context.Context) error { return s.redeemer.Recover(ctx) }

// Close waits until every charge that this process is redeeming has its
// release, or ctx ends. A charge that is cut off stays redeemable.
func (s *Service) Close(ctx context.Context) error { return s.redeemer.Close(ctx) }

// Longest is how long a question may take. Whoever gives up earlier may miss an answer
// that comes in time.
func (s *Service) Longest() time.Duration { return s.redeemer.Longest() }
