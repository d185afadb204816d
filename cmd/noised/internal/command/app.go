// Package command is what every command of the program shares: one invocation with its
// streams and its environment, arguments and flags that must be there, the two kinds of
// mistake, and exit codes. It knows no command.
package command

import (
	"io"

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

// WantJSON reports whether --format asks for JSON, and refuses formats that
// the command does not know.
func (a *App) WantJSON() (bool, error) {
	switch a.Format {
	case "", "text", "table":
		return false, nil
	case "json":
		return true, nil
	}
	return false, Usagef("--format %s is not known here: use text or json", a.Format)
}

// Print writes a result: as one JSON document with --format json, else as text
// for people.
func (a *App) Print(doc any, text func(w io.Writer)) error {
	asJSON, err := a.WantJSON()
	if err != nil {
		return err
	}
	if !asJSON {
		text(a.Stdout)
		return nil
	}
	return screen.WriteJSON(a.Stdout, doc)
}
