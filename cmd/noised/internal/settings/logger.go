package settings

import (
	"io"
	"log/slog"

	"github.com/noised/noised/cmd/noised/internal/command"
)

// NewLogger returns a structured logger. Logs hold ids, codes and counters;
// no package passes a value, a unit id or a literal to it.
func NewLogger(w io.Writer, level, format string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, command.Usagef("--log-level %q is not known: use debug, info, warn or error", level)
	}
	opts := &slog.HandlerOptions{Level: l}
	if w == nil {
		w = io.Discard
	}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, opts)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, opts)), nil
	}
	return nil, command.Usagef("--log-format %q is not known: use text or json", format)
}
