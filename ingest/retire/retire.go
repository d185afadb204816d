// Package retire takes a dataset out of use for good.
//
// # What is done
//
// One transaction ([Service.Delete]): the dataset is no more, for questions, loads,
// erasures and agreements; its name is never used again. Every key of its files,
// uploads, rejected rows and pseudonyms is forgotten, the results of its releases are
// shredded, loads and erasures that wait are ended, charges that wait are abandoned.
// From then on nothing of it is stored, shown or published, in any process on the data
// directory; what runs is stopped as by a suspension (see package containment).
//
// Then the process that runs loads removes the files ([Service.Sweep]), at once and
// again until they are gone, whatever happens to it in between: of all generations,
// uploads and rejected rows, whatever time replaced data is kept for and whether or not
// a backup is running. Where files are encrypted they have been unreadable since the
// transaction. Last go the copies of the control store from before upgrades, and what
// its pages and its write-ahead log still have.
//
// # What stays
//
// The record: charges, balances and the log; contracts, templates and proposals; loads,
// generations and releases with what they cost, who asked and their lineage. Nothing of
// it holds a row or a result.
package retire

import (
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/residency"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/containment"
	"github.com/noised/noised/privacy/controldb"
)

// Loads is what retiring needs of the load service.
type Loads interface {
	EndIn(ctx context.Context, tx *sql.Tx, dataset string) error
	RemoveUploads(ctx context.Context, tenant, dataset string) error
}

// Ender ends what a part of the system has of a dataset, in the transaction that
// deletes it.
type Ender func(ctx context.Context, tx *sql.Tx, dataset string, by privacy.Principal) error

// Of is the Ender of a part that does not ask who it was.
func Of(end func(ctx context.Context, tx *sql.Tx, dataset string) error) Ender {
	return func(ctx context.Context, tx *sql.Tx, dataset string, _ privacy.Principal) error {
		return end(ctx, tx, dataset)
	}
}

// Options configure a Service.
type Options struct {
	DB          *controldb.DB
	Catalog     *catalog.Catalog
	Loads       Loads
	Ends        []Ender // others that have something of a dataset: agreements, erasures, charges, releases
	Containment *containment.Service
	Dir         string                // the data directory
	Regions     residency.Regions     // whose tenants' rows may be here; all for the zero value
	Removed     func(paths ...string) // told which files are gone, to close what is open of them; nil for nobody
	Copies      func() error          // removes copies of the control store from before upgrades; nil for none
	Log         *slog.Logger
}

// Service deletes datasets. It is safe for concurrent use, but for Sweep, which is for
// one goroutine of the process that runs loads.
type Service struct {
	o    Options
	done map[string]bool // deleted datasets that have nothing left that is this server's to remove
}

// New returns the service of a data directory.
func New(o Options) (*Service, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, privacy.Internal(err, "deleting datasets")
	}
	o.Dir = dir
	return &Service{o: o, done: map[string]bool{}}, nil
}

// Delete deletes a dataset, in force when it returns nil: see the package. Its tenants
// are not asked, since nobody learns anything by it; each finds it on the log.
//
// Errors: CodeForbidden for whoever is no operator, CodeUnknownDataset.
func (s *Service) Delete(ctx context.Context, dataset string, by privacy.Principal) error {
	if !by.Is(privacy.RoleOperator) {
		return privacy.Errorf(privacy.CodeForbidden, "only operators may delete a dataset")
	}
	// From here the caller's hanging up changes nothing.
	err := s.o.DB.InTx(context.WithoutCancel(ctx), func(ctx context.Context, tx *sql.Tx) error {
		if err := s.o.Catalog.ExistsIn(ctx, tx, dataset); err != nil {
			return err
		}
		for _, end := range s.o.Ends {
			if err := end(ctx, tx, dataset, by); err != nil {
				return err
			}
		}
		if err := s.o.Loads.EndIn(ctx, tx, dataset); err != nil {
			return err
		}
		return s.o.Catalog.DeleteDatasetIn(ctx, tx, dataset, by)
	})
	if err != nil {
		return err
	}
	s.o.Containment.Look(ctx)
	return nil
}
