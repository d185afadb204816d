package erase

import (
	"context"
	"log/slog"
	"time"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/residency"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/containment"
	"github.com/noised/noised/privacy/controldb"
)

// State is where an erasure stands.
type State string

// The states of an erasure.
const (
	StatePending   State = "pending"
	StateRunning   State = "running"
	StateSucceeded State = "succeeded"
	StateFailed    State = "failed"
)

// Finished reports whether the state is final.
func (s State) Finished() bool { return s == StateSucceeded || s == StateFailed }

// The limits of requests.
const (
	MaxUnits    = 10_000 // of one request
	MaxUnit     = 1024   // bytes of one id
	MaxOpen     = 16     // erasures of a tenant in a dataset that have not ended
	MaxAttempts = 5      // that end in a fault before anything is published
)

// Jobs is what erasures need of the load service.
type Jobs interface {
	Pseudonyms(ctx context.Context, tenant string, c *contract.Contract, ids []string) (units []uint64, bad []int64, err error)
	Without(ctx context.Context, tenant, dataset string, seg catalog.Segment, id string, units []uint64) (catalog.Segment, int64, error)
	ForgetUploads(ctx context.Context, tenant, dataset string, upTo int64) error
	Nudge()
}

// Options configure a Service.
type Options struct {
	DB          *controldb.DB
	Catalog     *catalog.Catalog
	Jobs        Jobs
	Containment *containment.Service
	Dir         string                // the data directory
	Regions     residency.Regions     // whose tenants' rows may be here; all for the zero value
	Removed     func(paths ...string) // told which files are gone, to close what is open of them; nil for nobody
	Copies      func() error          // removes copies of the control store from before upgrades, which have what it had then; nil for none
	Retry       time.Duration         // before an attempt that failed is made again, and longer each time; 5 s when 0
	Log         *slog.Logger          // nil for none
	Now         func() time.Time
}

// Request asks to erase people.
type Request struct {
	Dataset, Tenant string
	Units           []string // ids, as the tenant's files have them
	By              privacy.Principal
}

// Erasure is what its tenant may see of one.
type Erasure struct {
	ID         string
	Tenant     string
	Dataset    string
	State      State
	Units      int64  // that were asked for
	RowsErased int64  // of all tables; 0 until they are
	Generation string // that it published; empty before
	Error      *Failure
	CreatedAt  time.Time
	FinishedAt *time.Time

	// Nonce opens the commitment on the log to the units of this erasure. Only Create
	// tells it: it is kept nowhere.
	Nonce, Commitment string
}

// Failure is why an erasure failed. It holds no value.
type Failure struct {
	Code    privacy.Code
	Message string
}
