package certificate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// lookEvery is how often files are looked at. SIGHUP looks at once.
const lookEvery = 5 * time.Second

// Watcher reads files of certificates again when one of them changes.
type Watcher struct {
	Files  []string       // that are looked at; empty ones are not
	Reload []func() error // each reads its own
	Log    *slog.Logger
}

// Run watches until ctx ends. Where a file does not hold, everything that is read from
// it goes on as before, and is tried again.
func (w *Watcher) Run(ctx context.Context) {
	hangUp := make(chan os.Signal, 1)
	signal.Notify(hangUp, syscall.SIGHUP)
	defer signal.Stop(hangUp)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	seen := w.stamps()
	for {
		asked := false
		select {
		case <-ctx.Done():
			return
		case <-hangUp:
			asked = true
		case <-tick.C:
		}
		now := w.stamps()
		if now == seen && !asked {
			continue
		}
		if err := w.All(); err != nil {
			w.Log.Error("the files of certificates have changed and cannot be used; going on with those before", "error", err)
			continue
		}
		seen = now
		w.Log.Info("the files of certificates were read again")
	}
}

// All reads every file again.
func (w *Watcher) All() error {
	var errs []error
	for _, reload := range w.Reload {
		errs = append(errs, reload())
	}
	return errors.Join(errs...)
}

// stamps tells whether files have changed.
func (w *Watcher) stamps() string {
	text := ""
	for _, path := range w.Files {
		if path == "" {
			continue
		}
		if info, err := os.Stat(path); err == nil {
			text += fmt.Sprintf("%s %d %d %v\n", path, info.Size(), info.ModTime().UnixNano(), info.Mode())
		}
	}
	return text
}
