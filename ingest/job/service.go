package job

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/noised/noised/analytics/quota"
	"github.com/noised/noised/ingest/compact"
	"github.com/noised/noised/ingest/order"
	"github.com/noised/noised/ingest/region"
	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/ingest/spool"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/containment"
)

// defaultCompactAfter is how long a table rests before it is merged into one
// segment.
const defaultCompactAfter = time.Minute

// Service takes uploads and runs loads. It is safe for concurrent use.
type Service struct {
	o      Options
	orders *order.Maker
	merges *compact.Service
	region region.Gate
	wake   chan struct{} // has a token when a load became pending in this process

	naming chan struct{} // has a token for each worker that names

	alone Alone                 // nil for none; set before Run
	look  func(context.Context) // nil for none; set before Run

	arriving quota.Gauge // bytes of uploads that are not on record yet, by tenant

	mu      sync.Mutex
	running map[string]context.CancelCauseFunc // by load id, in this process
}

// New returns the service on a data directory and creates the directories
// that it needs. Loads run only while Run does.
func New(o Options) (*Service, error) {
	if o.DB == nil || o.Catalog == nil || o.Now == nil || o.Workers == nil {
		return nil, privacy.Internal(errors.New("incomplete options"), "load service")
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, privacy.Internal(err, "load service")
	}
	o.Dir = dir
	if o.MaxUpload <= 0 {
		o.MaxUpload = DefaultMaxUpload
	}
	if o.KeepReplaced <= 0 {
		o.KeepReplaced = SupersededFor
	}
	if o.CompactAfter == 0 {
		o.CompactAfter = defaultCompactAfter
	}
	if o.Containment == nil {
		o.Containment = containment.New(o.DB, o.Now)
	}
	o.Concurrency = max(o.Concurrency, 1)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{o: o, orders: &order.Maker{Catalog: o.Catalog, Keys: o.Keys, CryptoExtension: o.CryptoExtension, Dir: o.Dir, MemoryMB: o.Workers.MemoryMB()}, wake: make(chan struct{}, 1), naming: make(chan struct{}, maxNaming), running: map[string]context.CancelCauseFunc{}}
	s.region = region.Gate{Regions: o.Regions, From: o.DB}
	s.merges = compact.New(compact.Options{
		DB: o.DB, Catalog: o.Catalog, Orders: s.orders, Workers: o.Workers, Region: s.region, Dir: o.Dir, Scratch: s.workRoot(),
		After: o.CompactAfter, Encrypting: o.Keys.On() && o.CryptoExtension != "", Log: o.Log, Now: o.Now,
	})
	for _, d := range []string{s.spoolDir(), s.workRoot()} {
		if err := segment.MkdirAll(d); err != nil {
			return nil, privacy.Internal(err, "load service")
		}
	}
	return s, nil
}

func (s *Service) spoolDir() string           { return filepath.Join(s.o.Dir, "spool") }
func (s *Service) spoolPath(id string) string { return spool.Path(s.spoolDir(), id) }
func (s *Service) workRoot() string           { return filepath.Join(s.o.Dir, "tmp", "loads") }
func (s *Service) lockPath() string           { return filepath.Join(s.o.Dir, "worker.lock") }
func (s *Service) absolute(path string) string {
	return filepath.Join(s.o.Dir, filepath.FromSlash(path))
}

func (s *Service) rejectsPath(tenant, id string) string {
	return filepath.Join(s.o.Dir, "tenants", tenant, "rejects", id+".ndjson")
}

func (s *Service) segmentPath(j record) string {
	return s.absolute(segment.RelPath(j.Tenant, j.Dataset, j.segment))
}

// nudge tells Run that there may be work.
func (s *Service) nudge() {
	select {
	case s.wake <- struct{}{}:
	default: // it knows
	}
}

// stop ends the attempt of a load that runs in this process.
func (s *Service) stop(id string, cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel, ok := s.running[id]; ok {
		cancel(cause)
	}
}

// removeAll removes a directory of scratch files.
func (s *Service) removeAll(dir string) {
	if err := os.RemoveAll(dir); err != nil {
		s.o.Log.Warn("scratch files could not be removed", "cause", errors.Unwrap(err))
	}
}

// removeFile removes a file that may be gone already.
func (s *Service) removeFile(path string) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		s.o.Log.Warn("a file could not be removed", "cause", errors.Unwrap(err))
	}
}
