package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/authn"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
)

func (a *app) initCommand() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "init --data-dir DIR",
		Short: "Create a data directory and print the operator's key, once",
		RunE: func(cmd *cobra.Command, _ []string) error {
			asJSON, err := a.wantJSON()
			if err != nil {
				return err
			}
			key, err := initialise(cmd.Context(), dir)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(a.stdout, map[string]string{"operator_key": key})
			}
			return a.print(nil, func(w io.Writer) {
				fmt.Fprintln(w, key)
				fmt.Fprintf(a.stderr, `This is the operator's key. It is not stored and not shown again: keep it safe.

Start the server:   noised serve --data-dir %s
Then administer it: NOISED_KEY=%s… noised tenant create NAME
`, quote(dir), key[:min(12, len(key))])
			})
		},
	}
	c.Flags().StringVar(&dir, "data-dir", "", "directory to create")
	return need(c, "data-dir")
}

// initialise makes a data directory with one key, the operator's.
func initialise(ctx context.Context, dir string) (key string, err error) {
	if err := createDataDir(dir); err != nil {
		return "", err
	}
	db, err := controldb.Open(ctx, filepath.Join(dir, controlFile))
	if err != nil {
		return "", storeError(filepath.Join(dir, controlFile), err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, key, err = authn.New(db, time.Now).Create(ctx,
		authn.KeyRequest{Role: privacy.RoleOperator, Name: "init"}, privacy.Principal{ID: "init", Role: privacy.RoleOperator})
	if err != nil {
		return "", fmt.Errorf("cannot create the operator's key: %w", err)
	}
	return key, markDataDir(dir)
}
