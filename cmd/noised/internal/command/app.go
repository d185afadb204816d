// Package command is what every command of the program shares: one invocation with its
// streams and its environment, arguments and flags that must be there, the two kinds of
// mistake, and exit codes. It knows no command.
package command

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/noised/noised/cmd/noised/internal/screen"
)

// App is one invocation of the program: its streams, its environment and the
// flags that every command shares.
type App struct {
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
	Getenv  func(string) string
	Environ func() []string

	Format  string // --format
	URL     string // --url
	KeyFile string // --key-file
}

// JSON reports whether --format asks for JSON. Everything else is for people.
func (a *App) JSON() bool { return a.Format == "json" }

// CheckFormat refuses a --format that a command does not know. It is for before the
// command does anything: what is done and then not shown, like a new key, is lost.
func (a *App) CheckFormat(c *cobra.Command) error {
	if c.Annotations[ownFormats] != "" {
		return nil
	}
	switch a.Format {
	case "", "text", "table", "json":
		return nil
	}
	return Usagef("--format %s is not known here: use text or json", a.Format)
}

// ownFormats marks commands that know other formats, and refuse those that they do not
// know themselves.
const ownFormats = "formats"

// OwnFormats marks c as a command that judges --format itself.
func OwnFormats(c *cobra.Command) *cobra.Command {
	if c.Annotations == nil {
		c.Annotations = map[string]string{}
	}
	c.Annotations[ownFormats] = "its own"
	return c
}

// Print writes a result: as one JSON document with --format json, else as text
// for people.
func (a *App) Print(doc any, text func(w io.Writer)) error {
	if a.JSON() {
		return screen.WriteJSON(a.Stdout, doc)
	}
	text(a.Stdout)
	return nil
}
