// Package setup makes data directories, and has the commands that keep their keysets.
package setup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/authn"
	"github.com/noised/noised/cmd/noised/internal/atrest"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/datadir"
	"github.com/noised/noised/cmd/noised/internal/logkey"
	"github.com/noised/noised/cmd/noised/internal/screen"
	"github.com/noised/noised/privacy"
)

// InitCommand is noised init.
func InitCommand(a *command.App) *cobra.Command {
	var dir string
	var keyset, logKey string
	c := &cobra.Command{
		Use:   "init --data-dir DIR [--keyset FILE] [--log-key FILE]",
		Short: "Create a data directory and print the operator's key, once",
		RunE: func(cmd *cobra.Command, _ []string) error {
			key, verifier, err := Initialise(cmd.Context(), dir, keyset, logKey)
			if err != nil {
				return err
			}
			if a.JSON() {
				return screen.WriteJSON(a.Stdout, map[string]string{
					"operator_key": key, "keyset": atrest.KeysetPath(keyset, dir), "log_key": logkey.Path(logKey, dir), "verifier": verifier,
				})
			}
			return a.Print(nil, func(w io.Writer) {
				fmt.Fprintln(w, key)
				fmt.Fprintf(a.Stderr, `This is the operator's key. It is not stored and not shown again: keep it safe.
%s
The log is signed with %s: keep a copy of it too. Receipts and states of the log are checked with
  %s

Start the server:   noised serve --data-dir %s
Then administer it: NOISED_KEY=%s… noised tenant create NAME
`, keepKeyset(atrest.KeysetPath(keyset, dir)), screen.Quote(logkey.Path(logKey, dir)), verifier, screen.Quote(dir), key[:min(12, len(key))])
			})
		},
	}
	c.Flags().StringVar(&dir, "data-dir", "", "directory to create")
	c.Flags().StringVar(&keyset, "keyset", "", "file with the keys that it is encrypted with, to create outside it (default: its name with .keyset)")
	c.Flags().StringVar(&logKey, "log-key", "", "file with the key that signs its log, to create outside it (default: its name with .logkey)")
	return command.Need(c, "data-dir")
}

// Initialise makes a data directory with one key, the operator's, the keyset that
// it is encrypted with, and the key that signs its log. A keyset that is there
// already is refused: another directory's data may be encrypted with it.
func Initialise(ctx context.Context, dir, keyset, logKey string) (key, verifier string, err error) {
	if err := datadir.Create(dir); err != nil {
		return "", "", err
	}
	if err := datadir.Outside(logkey.Path(logKey, dir), dir, "the log key"); err != nil {
		return "", "", err
	}
	if _, err := os.Lstat(logKey); logKey != "" && err == nil {
		return "", "", command.Usagef("--log-key: %s is there already, and may be the key of another log: name a file that is not", logKey)
	}
	if err := atrest.MakeKeyset(atrest.KeysetPath(keyset, dir), dir); err != nil {
		return "", "", err
	}
	db, err := datadir.OpenStore(ctx, dir)
	if err != nil {
		return "", "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, key, err = authn.New(db, time.Now).Create(ctx,
		authn.KeyRequest{Role: privacy.RoleOperator, Name: "init"}, privacy.Principal{ID: "init", Role: privacy.RoleOperator})
	if err != nil {
		return "", "", fmt.Errorf("cannot create the operator's key: %w", err)
	}
	if verifier, err = logkey.Make(ctx, logkey.Path(logKey, dir), dir, db, "init"); err != nil {
		return "", "", err
	}
	return key, verifier, datadir.Complete(dir)
}
