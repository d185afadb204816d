package flags

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/isolated"
)

// PollEvery is how often the file is looked at.
const PollEvery = 2 * time.Second

// Service evaluates flags. It is safe for concurrent use.
type Service struct {
	path     string
	log      *slog.Logger
	api      *openfeature.EvaluationAPI
	client   *openfeature.Client
	provider *provider

	mu   sync.Mutex
	seen []byte // the text that was read last, whether or not it holds
	bad  string // the fault that was reported last
}

// Open reads the file of flags.
func Open(ctx context.Context, path string, log *slog.Logger) (*Service, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the flags in %s: %w", path, err)
	}
	first, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("the flags in %s do not hold: %w", path, err)
	}
	s := &Service{path: path, log: log, api: isolated.NewAPI(), provider: &provider{}, seen: text}
	s.provider.current.Store(&first)
	if err := s.api.SetProviderAndWait(ctx, s.provider); err != nil {
		return nil, fmt.Errorf("cannot evaluate flags: %w", err)
	}
	s.client = s.api.NewClient()
	return s, nil
}

// Close ends the evaluation of flags.
func (s *Service) Close() error { return s.api.Shutdown(context.Background()) }

// On reports whether a flag is on. What cannot be evaluated is off.
func (s *Service) On(ctx context.Context, flag string, scope Scope) bool {
	is, err := s.client.BooleanValue(ctx, flag, false, openfeature.NewEvaluationContext(scope.Principal, map[string]any{
		attributeTenant: scope.Tenant, attributeDataset: scope.Dataset,
	}))
	return err == nil && is
}

// Reload reads the file again. One that does not hold is refused with a log line,
// and the flags stay as they were.
func (s *Service) Reload() {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, err := readFile(s.path)
	if err == nil {
		if bytes.Equal(text, s.seen) && s.bad == "" {
			return
		}
		var next set
		if next, err = parse(text); err == nil {
			s.provider.current.Store(&next)
			s.seen, s.bad = text, ""
			s.log.Info("flags were read", "file", s.path, "flags", len(next))
			return
		}
	}
	if err.Error() != s.bad {
		s.bad = err.Error()
		s.log.Error("the flags in the file are refused; those of before stay", "file", s.path, "error", err)
	}
}

// Watch reads the file again when it changes, until ctx ends.
func (s *Service) Watch(ctx context.Context) {
	tick := time.NewTicker(PollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.Reload()
		}
	}
}
