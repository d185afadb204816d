package erase

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/noised/noised/privacy"
)

// defaultRetry is the pause after the first attempt that failed.
const defaultRetry = 5 * time.Second

// Service takes requests to erase and carries them out. It is safe for concurrent
// use. Requests are carried out by the process that runs loads.
type Service struct{ o Options }

// New returns the service of a data directory.
func New(o Options) (*Service, error) {
	if o.DB == nil || o.Catalog == nil || o.Jobs == nil || o.Containment == nil || o.Now == nil || o.Dir == "" {
		return nil, privacy.Internal(errors.New("incomplete options"), "erasures")
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, privacy.Internal(err, "erasures")
	}
	o.Dir = dir
	if o.Retry == 0 {
		o.Retry = defaultRetry
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{o: o}, nil
}

func (s *Service) absolute(path string) string {
	return filepath.Join(s.o.Dir, filepath.FromSlash(path))
}

// remove removes a file that may be gone already.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return privacy.Internal(err, "removing a file")
	}
	return nil
}
