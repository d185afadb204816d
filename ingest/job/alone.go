package job

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/ingest/build"
	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/keyring"
)

// Alone is work that needs a tenant's data in a dataset for itself: an erasure.
//
// It has its place among the loads of that data. Loads that came before it run
// first, and those that come after it wait until it has ended (the table erasures
// says which are which), so that no load is under way when it runs, none is half of
// before and half of after, and no upload of before is left. Neither is a table of
// it merged meanwhile.
type Alone interface {
	// Recover puts right what a process that died may have left. The caller holds
	// the writer lock, and nothing is running.
	Recover(ctx context.Context) error
	// Next claims work, unless it is for data that is taken, and returns what does
	// it. It is called by the goroutine that claims loads.
	Next(ctx context.Context, taken func(tenant, dataset string) bool) (work func(context.Context), ok bool, err error)
}

// Beside lets other work run beside loads. It is called before Run, once.
func (s *Service) Beside(a Alone) { s.alone = a }

// Nudge tells Run that there may be work.
func (s *Service) Nudge() { s.nudge() }

// notBehind is the condition that a load waits for no erasure.
const notBehind = `NOT EXISTS (SELECT 1 FROM erasures e WHERE e.state IN ('pending', 'running')
	AND e.tenant = loads.tenant AND e.dataset = loads.dataset AND e.after_load < loads.seq)`

// startAlone begins work that needs some data for itself, if there is any, and calls
// done in the end.
func (s *Service) startAlone(ctx context.Context, done func(), run func(func())) bool {
	if s.alone == nil {
		return false
	}
	work, ok, err := s.alone.Next(ctx, func(tenant, dataset string) bool {
		merging := s.merges.Merging()
		return merging.Tenant == tenant && merging.Dataset == dataset
	})
	if err != nil && ctx.Err() == nil {
		s.o.Log.Error("erasures cannot be started", "cause", err)
	}
	if !ok {
		return false
	}
	run(func() {
		defer done()
		work(ctx)
	})
	return true
}

// nameRoot has the scratch directories of naming. Any process on the data directory
// names, also while another one recovers and empties the one of loads.
func (s *Service) nameRoot() string { return filepath.Join(s.o.Dir, "tmp", "names") }

// namingFor is longer than naming takes.
const namingFor = time.Hour

// dropNaming removes what processes that died left of naming.
func (s *Service) dropNaming() {
	left, err := os.ReadDir(s.nameRoot())
	if err != nil {
		return // there is none
	}
	for _, entry := range left {
		if info, err := entry.Info(); err == nil && s.o.Now().Sub(info.ModTime()) > namingFor {
			s.removeAll(filepath.Join(s.nameRoot(), entry.Name()))
		}
	}
}

// maxNaming is how many workers name at a time: each is a process that requests start, and
// they are in no queue of loads.
const maxNaming = 2

// Pseudonyms has a worker turn ids, as a tenant wrote them, into pseudonyms under a
// contract. bad are the places, from 1, of those that no load would take for a
// unit's. It waits while maxNaming others do the same. If ctx ends so does the worker, and
// nothing of it is left.
func (s *Service) Pseudonyms(ctx context.Context, tenant string, c *contract.Contract, ids []string) (units []uint64, bad []int64, err error) {
	select {
	case s.naming <- struct{}{}:
		defer func() { <-s.naming }()
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	}
	id := privacy.NewID("name")
	dir := filepath.Join(s.nameRoot(), id)
	spec, err := s.orders.Name(ctx, tenant, c, dir, ids)
	if err != nil {
		return nil, nil, err
	}
	defer s.removeAll(dir)
	result, err := s.work(ctx, record{Load: Load{ID: id}}, spec, false)
	return result.Units, result.NoUnits, err
}

// Without has a worker copy a segment of a tenant without the rows of some units, and
// seals the copy under the given id. It returns the copy, which nobody sees before it
// is published, and how many rows it lacks. The caller has noted the name of the file.
func (s *Service) Without(ctx context.Context, tenant, dataset string, seg catalog.Segment, id string, units []uint64) (catalog.Segment, int64, error) {
	j := record{Load: Load{ID: id, Tenant: tenant, Dataset: dataset, Table: seg.Table}, segment: id}
	dir := filepath.Join(s.workRoot(), id)
	defer s.removeAll(dir)
	result, err := s.work(ctx, j, s.orders.Without(j.into(), dir, seg, units), false)
	if err != nil {
		return catalog.Segment{}, 0, err
	}
	sealed, err := s.seal(ctx, filepath.Join(dir, build.SegmentFile), j)
	if err != nil {
		return catalog.Segment{}, 0, err
	}
	seg.ID, seg.Path, seg.Rows = id, segment.RelPath(tenant, dataset, id), result.RowsStored
	seg.Bytes, seg.SHA256 = sealed.Bytes, sealed.SHA256
	return seg, result.RowsRead - result.RowsStored, nil
}

// ForgetUploads removes what was kept of a tenant's loads into a dataset, up to one of
// them, all of which have ended: uploads and files of rejected rows with their keys, and,
// of what the records have of the files, digests and the names of ignored columns. An
// upload that is sent again is not known any more.
func (s *Service) ForgetUploads(ctx context.Context, tenant, dataset string, upTo int64) error {
	found, err := find(ctx, s.o.DB, `tenant = ? AND dataset = ? AND seq <= ?`, tenant, dataset, upTo)
	if err != nil {
		return err
	}
	var keys []keyring.Match
	for _, j := range found {
		if !j.State.Finished() {
			return privacy.Internal(errOvertaken, "load "+strconv.FormatInt(j.seq, 10)+" has not ended")
		}
		keys = append(keys, keyring.OfScope(uploadScope(j)), keyring.OfScope(rejectsScope(j)))
	}
	if err := s.removeUploads(found); err != nil {
		return err
	}
	return s.o.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE loads SET `+forgotten+` WHERE tenant = ? AND dataset = ? AND seq <= ?`, tenant, dataset, upTo); err != nil {
			return privacy.Internal(err, "forgetting uploads")
		}
		return s.o.Keys.Shred(ctx, tx, keys...)
	})
}
