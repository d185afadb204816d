package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/authn"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
)

func (a *app) initCommand() *cobra.Command {
	var dir string
	var keyset, logKey string
	c := &cobra.Command{
		Use:   "init --data-dir DIR [--keyset FILE] [--log-key FILE]",
		Short: "Create a data directory and print the operator's key, once",
		RunE: func(cmd *cobra.Command, _ []string) error {
			asJSON, err := a.wantJSON()
			if err != nil {
				return err
			}
			key, verifier, err := initialise(cmd.Context(), dir, keyset, logKey)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(a.stdout, map[string]string{
					"operator_key": key, "keyset": keysetPath(keyset, dir), "log_key": logKeyPath(logKey, dir), "verifier": verifier,
				})
			}
			return a.print(nil, func(w io.Writer) {
				fmt.Fprintln(w, key)
				fmt.Fprintf(a.stderr, `This is the operator's key. It is not stored and not shown again: keep it safe.
%s
The log is signed with %s: keep a copy of it too. Receipts and states of the log are checked with
  %s

Start the server:   noised serve --data-dir %s
Then administer it: NOISED_KEY=%s… noised tenant create NAME
`, keepKeyset(keysetPath(keyset, dir)), quote(logKeyPath(logKey, dir)), verifier, quote(dir), key[:min(12, len(key))])
			})
		},
	}
	c.Flags().StringVar(&dir, "data-dir", "", "directory to create")
	c.Flags().StringVar(&keyset, "keyset", "", "file with the keys that it is encrypted with, to create outside it (default: its name with .keyset)")
	c.Flags().StringVar(&logKey, "log-key", "", "file with the key that signs its log, to create outside it (default: its name with .logkey)")
	return need(c, "data-dir")
}

// initialise makes a data directory with one key, the operator's, the keyset that
// it is encrypted with, and the key that signs its log. A keyset that is there
// already is refused: another directory's data may be encrypted with it.
func initialise(ctx context.Context, dir, keyset, logKey string) (key, verifier string, err error) {
	if err := createDataDir(dir); err != nil {
		return "", "", err
	}
	if err := outside(logKeyPath(logKey, dir), dir, "the log key"); err != nil {
		return "", "", err
	}
	if _, err := os.Lstat(logKey); logKey != "" && err == nil {
		return "", "", usagef("--log-key: %s is there already, and may be the key of another log: name a file that is not", logKey)
	}
	if err := makeKeyset(keysetPath(keyset, dir), dir); err != nil {
		return "", "", err
	}
	db, err := controldb.OpenAs(ctx, filepath.Join(dir, controlFile), currentVersion().Version)
	if err != nil {
		return "", "", storeError(filepath.Join(dir, controlFile), err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, key, err = authn.New(db, time.Now).Create(ctx,
		authn.KeyRequest{Role: privacy.RoleOperator, Name: "init"}, privacy.Principal{ID: "init", Role: privacy.RoleOperator})
	if err != nil {
		return "", "", fmt.Errorf("cannot create the operator's key: %w", err)
	}
	if verifier, err = makeLogKey(ctx, logKeyPath(logKey, dir), dir, db, "init"); err != nil {
		return "", "", err
	}
	return key, verifier, markDataDir(dir)
}
