package remote

import (
	"fmt"
	"io"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/command"
)

// Call makes the one call that a command stands for and prints the answer: as JSON with
// --format json, else as text has it for people.
func Call[T any](a *command.App, call func(*wire.API) (T, error), text func(io.Writer, T)) error {
	c, err := Connect(a)
	if err != nil {
		return err
	}
	answer, err := call(c)
	if err != nil {
		return err
	}
	return a.Print(answer, func(w io.Writer) { text(w, answer) })
}

// Do makes the one call of a command where the server has nothing to answer, and prints
// what was done then: as JSON what is in done, else the line for people.
func Do(a *command.App, call func(*wire.API) error, done map[string]string, line string) error {
	return Call(a, func(c *wire.API) (map[string]string, error) { return done, call(c) },
		func(w io.Writer, _ map[string]string) { fmt.Fprintln(w, line) })
}
