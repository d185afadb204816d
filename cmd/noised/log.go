package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/translog"
)

func (a *app) logCommand() *cobra.Command {
	return group("log", "Look at the record of everything that was spent and done, and verify it",
		a.logListCommand(), a.logCheckpointCommand(), a.logVerifyCommand(), a.logKeyCommand())
}

func (a *app) logListCommand() *cobra.Command {
	var page pageFlags
	list := a.client(&cobra.Command{
		Use:   "list",
		Short: "List the entries that concern one's tenant, newest first",
		Long: `List the log's entries that concern one's tenant, newest first. With --format
json each has its leaf, as it was hashed, and what the leaf commits to of one's
own. Keep those: they open the log when nobody else does.`,
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			l, err := c.Log(cmd.Context(), page.cursor, page.limit)
			if err != nil {
				return err
			}
			return a.print(l, func(w io.Writer) {
				logGrid(l.Items).write(w)
				page.more(a.stderr, l.Next)
			})
		},
	})
	page.register(list)
	return list
}

func logGrid(entries []wire.LogEntry) *grid {
	g := &grid{header: []string{"entry", "kind", "at", "own", "leaf"}, right: map[int]bool{0: true}, narrow: narrow{drop: []int{3}, cut: []cut{{column: 4, least: 24}}}}
	for _, e := range entries {
		own := ""
		for i, o := range e.Opened {
			if i > 0 {
				own += " "
			}
			own += o.Text
		}
		g.add(fmt.Sprint(e.Index), e.Kind, showTime(e.At), oneLine(own, 60), oneLine(value(e.Leaf), 80))
	}
	return g
}

func (a *app) logCheckpointCommand() *cobra.Command {
	return a.client(&cobra.Command{
		Use:   "checkpoint > FILE",
		Short: "Print the state of the log, signed, to be kept",
		Long: `Print the state of a server's log, signed. It needs no key. Keep it: noised log
verify --checkpoint FILE tells later whether the log is still the one of now.`,
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.reach()
			if err != nil {
				return err
			}
			signed, err := c.Checkpoint(cmd.Context())
			if err != nil {
				return err
			}
			return a.print(map[string]string{"checkpoint": string(signed)}, func(w io.Writer) { fmt.Fprintf(w, "%s", signed) })
		},
	})
}

// reach returns a client for what needs no key.
func (a *app) reach() (*wire.API, error) {
	server := a.url
	if server == "" {
		server = a.getenv("NOISED_URL")
	}
	if server == "" {
		server = defaultURL
	}
	c, err := wire.New(server, "", nil)
	if err != nil {
		return nil, usagef("%s", err)
	}
	return c, nil
}

// logKeyFlags are the flags of the commands that need a data directory's log key.
type logKeyFlags struct{ dataDir, logKey string }

func (f *logKeyFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.dataDir, "data-dir", "", "directory of the control store")
	c.Flags().StringVar(&f.logKey, "log-key", "", "file with the key that signs the log, outside that directory (default: its name with .logkey)")
}

func (a *app) logKeyCommand() *cobra.Command {
	var f logKeyFlags
	var replace bool
	c := &cobra.Command{
		Use:   "key --data-dir DIR [--log-key FILE] [--new]",
		Short: "Show what the log's signatures are checked with; make its key if it has none",
		Long: `Show the public half of the key that signs a data directory's log: give it to
the tenants, who check receipts and checkpoints with it. A directory from before
there were such keys gets one. With --new another key signs from the next start
of the server on, also where the one before is lost; the log says so. The old one
is kept aside, and what it has signed stays good.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := a.wantJSON(); err != nil {
				return err
			}
			return a.withLedger(cmd.Context(), ledgerFlags{dataDir: f.dataDir}, func(l *ledgerFiles) error {
				verifier, err := keepLogKey(cmd.Context(), l.db, f, replace)
				if err != nil {
					return err
				}
				if verifier.made {
					fmt.Fprintf(a.stderr, "The log's key is new: %s. The next start of a server signs with it. Keep a copy, apart from those of the data.\n", logKeyPath(f.logKey, f.dataDir))
				}
				return a.print(map[string]string{"verifier": verifier.text}, func(w io.Writer) { fmt.Fprintln(w, verifier.text) })
			})
		},
	}
	f.register(c)
	c.Flags().BoolVar(&replace, "new", false, "make another key")
	return need(c, "data-dir")
}

// keptKey is the verifier of a log's key, and whether the key was made just now.
type keptKey struct {
	text string
	made bool
}

// keepLogKey returns the verifier of the log's key, which it makes and puts on the
// record where that is not done. It makes none in place of one that is missing,
// unless another is asked for.
func keepLogKey(ctx context.Context, db *controldb.DB, f logKeyFlags, replace bool) (keptKey, error) {
	path := logKeyPath(f.logKey, f.dataDir)
	key, err := readLogKey(ctx, path, db)
	missing := errors.Is(err, fs.ErrNotExist)
	if missing && !replace {
		switch signed, err := translog.Signed(ctx, db); {
		case err != nil:
			return keptKey{}, err
		case signed:
			return keptKey{}, fmt.Errorf("the log's key %s is missing. Put it back, or name it with --log-key FILE; "+
				"only if it is lost for good, make another with --new", path)
		}
	}
	switch {
	case missing || err == nil && replace:
		verifier, err := makeLogKey(ctx, path, filepath.Clean(f.dataDir), db, "operator")
		return keptKey{text: verifier, made: err == nil}, err
	case err != nil:
		return keptKey{}, err
	}
	return keptKey{text: key.Verifier()}, adoptLogKey(ctx, db, key.Verifier(), "operator")
}
