// Package remote reaches a server for commands: with the address and the key that flags
// and environment name. It makes the one call that most of them stand for and prints the
// answer, a list page by page, and puts refusals into words for people.
package remote

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/namedfile"
)

const defaultURL = "http://127.0.0.1:8080"

// maxKey bounds what is read as an API key.
const maxKey = 4 << 10

// Connect returns a client for the server and the key that flags and
// environment name.
func Connect(a *command.App) (*wire.API, error) {
	key := a.Getenv("NOISED_KEY")
	if a.KeyFile != "" {
		b, err := namedfile.Read(a.KeyFile, maxKey)
		if err != nil {
			return nil, fmt.Errorf("cannot read the key file: %w", err)
		}
		key = strings.TrimSpace(string(b))
	}
	if key == "" {
		return nil, command.Usagef("no API key: set NOISED_KEY or give --key-file")
	}
	var transport *http.Client
	if role := a.Getenv("NOISED_ROLE"); role != "" {
		transport = &http.Client{Transport: asRole{role}}
	}
	c, err := wire.New(address(a), key, transport)
	if err != nil {
		return nil, command.Usagef("%s", err)
	}
	return c, nil
}

// address returns where the server is.
func address(a *command.App) string { return cmp.Or(a.URL, a.Getenv("NOISED_URL"), defaultURL) }

// asRole names the role that a caller with several acts in.
type asRole struct{ role string }

// RoundTrip implements http.RoundTripper.
func (a asRole) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set(wire.HeaderRole, a.role)
	return http.DefaultTransport.RoundTrip(r)
}

// Keyless returns a client for what needs no key.
func Keyless(a *command.App) (*wire.API, error) {
	c, err := wire.New(address(a), "", nil)
	if err != nil {
		return nil, command.Usagef("%s", err)
	}
	return c, nil
}

// Command marks a command as one that talks to a server.
func Command(a *command.App, c *cobra.Command) *cobra.Command {
	c.Flags().StringVar(&a.URL, "url", "", "server (default $NOISED_URL, then http://127.0.0.1:8080)")
	c.Flags().StringVar(&a.KeyFile, "key-file", "", "file that holds the API key (default: the key in $NOISED_KEY)")
	return c
}
